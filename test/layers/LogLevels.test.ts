import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Fiber, Layer, type LogLevel, References } from "effect"
import { TestClock } from "effect/testing"
import * as FiberRegistry from "../../src/layers/FiberRegistry.ts"
import * as Logger from "../../src/layers/Logger.ts"
import * as LogLevels from "../../src/layers/LogLevels.ts"
import { DebugLines } from "../../src/services/DebugLines.ts"
import { LogLevels as Levels } from "../../src/services/LogLevels.ts"
import * as Logs from "../../src/services/Logs.ts"
import * as LogSink from "../../src/services/LogSink.ts"
import * as Recent from "../../src/services/Recent.ts"

const layer = (base: LogLevel.LogLevel = "Info", list = true) =>
  Logger.layer.pipe(
    Layer.provide(Logs.layer),
    Layer.provideMerge([Recent.layer, LogSink.layerMemory]),
    Layer.provideMerge(FiberRegistry.layer({ list })),
    Layer.provideMerge(LogLevels.layer(base))
  )

const messages = Effect.map(
  LogSink.LogSinkMemory,
  ({ events }) => events.map(({ line }) => (JSON.parse(line) as { message: string }).message)
)

const own = Effect.map(messages, (all) => all.filter((message) => !message.startsWith("log level")))

const set = (level: LogLevel.LogLevel | undefined, name?: string) =>
  Effect.flatMap(Levels, (levels) => levels.apply({ level, name, lasting: Duration.minutes(5) }, "10.1.2.3"))

describe("a changed log level", () => {
  for (const list of [true, false]) {
    it.effect(`holds for new fibers and for those that run already, ${list ? "listed or not" : "also unlisted"}, and reverts`, () =>
      Effect.gen(function*() {
        const steps = [yield* Deferred.make<void>(), yield* Deferred.make<void>(), yield* Deferred.make<void>()]
        const old = yield* Effect.forkChild(
          Effect.forEach(steps, (step, index) => Effect.andThen(Deferred.await(step), Effect.logDebug(`old ${index}`)))
        )
        const step = (index: number) =>
          Effect.gen(function*() {
            yield* Deferred.succeed(steps[index] ?? assert.fail(), undefined)
            yield* Effect.yieldNow
            yield* Effect.logDebug(`own ${index}`)
            yield* Fiber.join(yield* Effect.forkChild(Effect.logDebug(`new ${index}`)))
          })
        yield* Effect.yieldNow
        yield* step(0)
        yield* set("Debug")
        yield* step(1)
        yield* TestClock.adjust("5 minutes")
        yield* step(2)
        yield* Fiber.join(old)
        assert.sameMembers(yield* own, ["old 1", "own 1", "new 1"])
      }).pipe(Effect.provide(layer("Info", list))))
  }

  it.effect("is logged as WARN with who asked, however high the level, and so is its end", () =>
    Effect.gen(function*() {
      yield* set("None")
      yield* Effect.logFatal("unheard")
      yield* TestClock.adjust("5 minutes")
      yield* set("Debug", "db")
      yield* set(undefined)
      assert.deepStrictEqual(yield* messages, [
        "log level of everything is none for 5m, asked by 10.1.2.3",
        "log level of everything is no longer none: its time is over",
        "log level of db is debug for 5m, asked by 10.1.2.3",
        "log level of db is no longer debug: asked by 10.1.2.3"
      ])
      const { events } = yield* LogSink.LogSinkMemory
      assert.isTrue(events.every(({ level }) => level === "Warn"))
      assert.deepInclude(JSON.parse(events[2]?.line ?? "{}"), { by: "10.1.2.3", log_level: "debug", logger: "db" })
    }).pipe(Effect.provide(layer("Error"))))

  it.effect("is that of its last change: the time of one before does not end it", () =>
    Effect.gen(function*() {
      yield* set("Debug")
      yield* TestClock.adjust("4 minutes")
      yield* set("Trace")
      yield* TestClock.adjust("4 minutes")
      yield* Effect.logTrace("still")
      yield* TestClock.adjust("1 minute")
      yield* Effect.logDebug("over")
      assert.deepStrictEqual(yield* own, ["still"])
    }).pipe(Effect.provide(layer())))

  it.effect("holds by the name of a span, a log span or the annotation logger", () =>
    Effect.gen(function*() {
      yield* set("Debug", "db")
      yield* set("Error", "noisy")
      yield* Effect.logDebug("nowhere")
      yield* Effect.withSpan(Effect.logDebug("span"), "db")
      yield* Effect.logDebug("outer span").pipe(Effect.withSpan("inner"), Effect.withSpan("db.query"))
      yield* Effect.withLogSpan(Effect.logDebug("log span"), "db.pool")
      yield* Effect.annotateLogs(Effect.logDebug("logger"), "logger", "db")
      yield* Effect.withSpan(Effect.logInfo("quiet"), "noisy")
      assert.deepStrictEqual(yield* own, ["span", "outer span", "log span", "logger"])
    }).pipe(Effect.provide(layer())))

  it.effect("leaves a minimum alone that the app gave a part of itself", () =>
    Effect.gen(function*() {
      const within = (level: LogLevel.LogLevel, message: string) =>
        Effect.provideService(Effect.logDebug(message), References.MinimumLogLevel, level)
      yield* set("Error")
      yield* within("Debug", "told to")
      yield* set("Debug")
      yield* within("Warn", "told not to")
      yield* set(undefined)
      yield* within("Debug", "told to again")
      assert.deepStrictEqual(yield* own, ["told to", "told to again"])
    }).pipe(Effect.provide(layer())))

  it.effect("leaves a request alone whose lines are kept", () =>
    Effect.gen(function*() {
      yield* set("Debug")
      yield* set(undefined)
      const kept: Array<LogSink.LogEvent> = []
      const lines = { add: (event: LogSink.LogEvent) => kept.push(event), flush: () => {}, discard: () => {} }
      yield* Effect.logDebug("below").pipe(
        Effect.provideService(References.MinimumLogLevel, "All"),
        Effect.provideService(DebugLines, lines)
      )
      assert.deepStrictEqual([kept.length, yield* own], [1, []])
    }).pipe(Effect.provide(layer())))
})
