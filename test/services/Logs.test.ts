import { describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { assert } from "vitest"
import * as Logs from "../../src/services/Logs.ts"
import * as LogSink from "../../src/services/LogSink.ts"
import * as Recent from "../../src/services/Recent.ts"

const layer = Logs.layer.pipe(Layer.provideMerge([Recent.layer, LogSink.layerMemory]))

const event = (timestamp: number): LogSink.LogEvent => ({ timestamp, level: "Info", line: `{"n":${timestamp}}` })

describe("Logs", () => {
  it.effect("hands each event to the sink and to the ring of recent entries, in order", () =>
    Effect.gen(function*() {
      const logs = yield* Logs.Logs
      const recent = yield* Recent.Recent
      const sink = yield* LogSink.LogSinkMemory
      const events = Array.from({ length: Recent.capacity + 2 }, (_, n) => event(n))
      for (const event of events) logs.offer(event)
      assert.deepStrictEqual(sink.events, events)
      assert.deepStrictEqual(recent.logs.values(), events.slice(2))
    }).pipe(Effect.provide(layer)))

  it.effect("keeps an event among the recent ones even when the sink drops it", () =>
    Effect.gen(function*() {
      const logs = yield* Logs.Logs
      const recent = yield* Recent.Recent
      logs.offer(event(1))
      assert.deepStrictEqual(recent.logs.values(), [event(1)])
    }).pipe(
      Effect.provide(Logs.layer.pipe(
        Layer.provideMerge(Recent.layer),
        Layer.provide(Layer.succeed(LogSink.LogSink, { offer: () => {}, dropped: () => 1, flush: Effect.void }))
      ))
    ))

  it.effect("hands each event to those who follow, from when they begin until they leave", () =>
    Effect.gen(function*() {
      const logs = yield* Logs.Logs
      const seen: Array<string> = []
      logs.offer(event(1))
      const leaveFirst = logs.follow(({ timestamp }) => seen.push(`first ${timestamp}`))
      logs.offer(event(2))
      const leaveSecond = logs.follow(({ timestamp }) => seen.push(`second ${timestamp}`))
      logs.offer(event(3))
      leaveFirst()
      logs.offer(event(4))
      leaveSecond()
      logs.offer(event(5))
      assert.deepStrictEqual(seen, ["first 2", "first 3", "second 3", "second 4"])
    }).pipe(Effect.provide(layer)))
})
