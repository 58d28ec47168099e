import { describe, it } from "@effect/vitest"
import { Cause, Data, Effect, Layer, Redacted, References, Tracer } from "effect"
import { TestClock } from "effect/testing"
import { assert } from "vitest"
import * as Logger from "../../src/layers/Logger.ts"
import * as Logs from "../../src/services/Logs.ts"
import * as LogSink from "../../src/services/LogSink.ts"
import * as Recent from "../../src/services/Recent.ts"

const layer = Logger.layer.pipe(
  Layer.provide(Logs.layer),
  Layer.provideMerge([Recent.layer, LogSink.layerMemory])
)

const logged = Effect.map(
  LogSink.LogSinkMemory,
  ({ events }) => events.map(({ line }) => JSON.parse(line) as Record<string, unknown>)
)

const messages = Effect.map(logged, (lines) => lines.map(({ message }) => message))

const traceId = "0af7651916cd43dd8448eb211c80319c"
const spanId = "b7ad6b7169203331"

class Refused extends Data.TaggedError("Refused")<{ readonly by: string }> {}

describe("Logger", () => {
  it.effect("has offered a line before the log call returns", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(1234)
      yield* Effect.logWarning("low", { left: 2 })
      const { events } = yield* LogSink.LogSinkMemory
      assert.deepStrictEqual(events, [{
        timestamp: 1234,
        level: "Warn",
        line: `{"timestamp":"1970-01-01T00:00:01.234Z","level":"WARN","message":"low","left":2}`,
        bytes: 80
      }])
      assert.deepStrictEqual((yield* Recent.Recent).logs.values(), events)
    }).pipe(Effect.provide(layer)))

  it.effect("names every level", () =>
    Effect.gen(function*() {
      yield* Effect.logTrace("a")
      yield* Effect.logDebug("b")
      yield* Effect.logInfo("c")
      yield* Effect.logWarning("d")
      yield* Effect.logError("e")
      yield* Effect.logFatal("f")
      const lines = yield* logged
      assert.deepStrictEqual(lines.map(({ level }) => level), ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"])
    }).pipe(Effect.provide([layer, Logger.layerMinimumLevel("All")])))

  it.effect("leaves out what is below the minimum level", () =>
    Effect.gen(function*() {
      yield* Effect.logInfo("no")
      yield* Effect.logWarning("yes")
      yield* Effect.provideService(Effect.logDebug("locally"), References.MinimumLogLevel, "Debug")
      assert.deepStrictEqual(yield* messages, ["yes", "locally"])
    }).pipe(Effect.provide([layer, Logger.layerMinimumLevel("Warn")])))

  it.effect("logs at Info and above by default", () =>
    Effect.gen(function*() {
      yield* Effect.logDebug("no")
      yield* Effect.log("yes")
      assert.deepStrictEqual(yield* messages, ["yes"])
    }).pipe(Effect.provide(layer)))

  it.effect("carries annotations, the inner ones over the outer", () =>
    Effect.gen(function*() {
      yield* Effect.log("paid").pipe(
        Effect.annotateLogs({ user: "ann", order: 2 }),
        Effect.annotateLogs({ user: "bob", region: "eu" })
      )
      const [line] = yield* logged
      assert.deepInclude(line, { user: "ann", order: 2, region: "eu" })
    }).pipe(Effect.provide(layer)))

  it.effect("carries the time in log spans", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust("40 millis").pipe(
        Effect.andThen(Effect.log("done")),
        Effect.withLogSpan("inner"),
        Effect.withLogSpan("outer")
      )
      assert.deepInclude((yield* logged)[0], { spans: { inner: 40, outer: 40 } })
    }).pipe(Effect.provide(layer)))

  it.effect("carries the ids of the current span, and gives the span its event", () =>
    Effect.gen(function*() {
      const span = yield* Effect.log("inside").pipe(Effect.andThen(Effect.currentSpan), Effect.withSpan("work"))
      assert.deepInclude((yield* logged)[0], { trace_id: span.traceId, span_id: span.spanId })
      assert.deepStrictEqual((span as Tracer.NativeSpan).events.map(([name]) => name), ["inside"])
    }).pipe(Effect.provide(layer)))

  it.effect("carries the ids of an external parent span", () =>
    Effect.gen(function*() {
      yield* Effect.log("outside")
      yield* Effect.withParentSpan(Effect.log("inside"), Tracer.externalSpan({ traceId, spanId }))
      const [outside, inside] = yield* logged
      assert.notProperty(outside, "trace_id")
      assert.notProperty(outside, "span_id")
      assert.deepInclude(inside, { trace_id: traceId, span_id: spanId })
    }).pipe(Effect.provide(layer)))

  it.effect("carries causes and errors", () =>
    Effect.gen(function*() {
      yield* Effect.logError("refused", Cause.fail(new Refused({ by: "bank" })))
      yield* Effect.logError(new RangeError("far"))
      yield* Effect.tapCause(Effect.die(new Error("boom")), Effect.logFatal).pipe(Effect.exit)
      const [refused, range, fatal] = yield* logged
      assert.deepInclude(refused, { message: "refused", error: "Refused" })
      assert.deepInclude(range, { message: "RangeError: far", error: "RangeError" })
      assert.deepInclude(fatal, { level: "FATAL", message: "Error: boom", error: "Error" })
      assert.match(String(fatal?.["cause"]), /^Error: boom\n {4}at /)
    }).pipe(Effect.provide(layer)))

  it.effect("redacts", () =>
    Effect.gen(function*() {
      const password = Redacted.make("hunter2")
      yield* Effect.log("login", password, { password }).pipe(Effect.annotateLogs({ nested: [{ password }] }))
      const { events } = yield* LogSink.LogSinkMemory
      assert.notInclude(events[0]?.line, "hunter2")
      assert.deepInclude((yield* logged)[0], { message: "login <redacted>", password: "<redacted>" })
    }).pipe(Effect.provide(layer)))

  // a proxy that is itself an argument fails in Effect.log, before any logger
  it.effect("never fails the one who logs, inside a span or outside", () =>
    Effect.gen(function*() {
      const throwing = (): never => {
        throw new Error("thrown by the value")
      }
      const hostile = new Proxy({}, { get: throwing, has: throwing, ownKeys: throwing, getPrototypeOf: throwing })
      const program = Effect.log("a", { hostile }).pipe(
        Effect.andThen(
          Effect.log(Object.create(null, { toString: { get: throwing }, x: { get: throwing, enumerable: true } }))
        ),
        Effect.andThen(Effect.logError("b", Cause.fail(hostile))),
        Effect.annotateLogs({ hostile })
      )
      yield* program
      yield* Effect.withSpan(program, "work")
      assert.strictEqual((yield* logged).length, 6)
    }).pipe(Effect.provide(layer)))
})
