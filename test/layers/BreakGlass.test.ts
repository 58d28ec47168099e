import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as BreakGlassLayer from "../../src/layers/BreakGlass.ts"
import { Metrics } from "../../src/layers/Metrics.ts"
import { MicroserviceMemory } from "../../src/layers/Microservice.ts"
import { BreakGlass } from "../../src/services/BreakGlass.ts"
import * as LogSink from "../../src/services/LogSink.ts"

const layer = Layer.provideMerge(BreakGlassLayer.layer, MicroserviceMemory)

const warnings = Effect.map(
  LogSink.LogSinkMemory,
  ({ events }) =>
    events.map(({ line }) => JSON.parse(line) as Record<string, unknown>).filter(({ level }) => level === "WARN")
)

const gauge = Effect.gen(function*() {
  const { prometheus } = yield* Metrics
  return /^keelson_debug_armed (\d)$/m.exec(yield* prometheus)?.[1]
})

const asked = (minutes: number, reason = "a leak") => ({
  duration: Duration.minutes(minutes),
  reason,
  peer: "127.0.0.1"
})

describe("break-glass", () => {
  it.effect("disarms itself when the time is over, and says both", () =>
    Effect.gen(function*() {
      const { arm, armed } = yield* BreakGlass
      assert.deepStrictEqual([armed(), yield* gauge], [undefined, "0"])
      yield* TestClock.setTime(1000)
      assert.deepStrictEqual(yield* arm(asked(10)), { until: 601_000, reason: "a leak" })
      assert.deepStrictEqual([armed()?.reason, yield* gauge], ["a leak", "1"])
      const [announced] = yield* warnings
      assert.deepInclude(announced, {
        message: "debugging is armed for 10m: a leak",
        reason: "a leak",
        until: "1970-01-01T00:10:01.000Z",
        peer: "127.0.0.1"
      })
      yield* TestClock.adjust("599999 millis")
      assert.isDefined(armed())
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual([armed(), yield* gauge], [undefined, "0"])
      const [, over, ...more] = yield* warnings
      assert.deepInclude(over, { message: "debugging is disarmed: the time is over", reason: "a leak" })
      assert.deepStrictEqual(more, [])
    }).pipe(Effect.provide(layer)))

  it.effect("takes the time of who armed last, and disarms when asked, once", () =>
    Effect.gen(function*() {
      const { arm, armed, disarm } = yield* BreakGlass
      yield* arm(asked(1))
      yield* arm(asked(10, "another"))
      yield* TestClock.adjust("5 minutes")
      assert.strictEqual(armed()?.reason, "another")
      assert.strictEqual((yield* warnings).length, 2)
      yield* disarm("::1")
      assert.deepStrictEqual([armed(), yield* gauge], [undefined, "0"])
      yield* disarm("::1")
      yield* TestClock.adjust("1 hour")
      const [, , disarmed, ...more] = yield* warnings
      assert.deepInclude(disarmed, {
        message: "debugging is disarmed: it was asked for",
        reason: "another",
        peer: "::1"
      })
      assert.deepStrictEqual(more, [])
    }).pipe(Effect.provide(layer)))

  it.effect("takes an hour at most, and a reason in one line", () =>
    Effect.gen(function*() {
      const { arm, armed } = yield* BreakGlass
      for (const minutes of [0, 60.001, Infinity, -1]) {
        assert.include((yield* Effect.flip(arm(asked(minutes)))).message, "at most 1h", String(minutes))
      }
      for (const reason of ["", "  ", "a\nb", "\u001b[2J", "a".repeat(201)]) {
        assert.include((yield* Effect.flip(arm(asked(1, reason)))).message, "reason takes a line", reason)
      }
      assert.isUndefined(armed())
      assert.deepStrictEqual(yield* warnings, [])
      yield* arm(asked(60, "a".repeat(200)))
    }).pipe(Effect.provide(layer)))
})
