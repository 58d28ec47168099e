import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as BoundsHealth from "../../src/layers/BoundsHealth.ts"
import * as HealthLayer from "../../src/layers/Health.ts"
import { Health } from "../../src/services/Health.ts"
import { Bounds } from "../../src/services/MetricBounds.ts"
import * as MetricSink from "../../src/services/MetricSink.ts"

const layer = BoundsHealth.layer.pipe(
  Layer.provideMerge(Layer.mergeAll(HealthLayer.layer, MetricSink.layerMemory)),
  Layer.provideMerge(Layer.succeed(Bounds, [
    { metric: "open", atMost: 5, minutes: 2, description: "orders pile up" },
    { metric: "free", atLeast: 1, minutes: 1, description: "no room" }
  ]))
)

const datum = (name: string, value: number): MetricSink.Datum => ({
  name,
  unit: "None",
  timestamp: 0,
  dimensions: {},
  values: [value],
  counts: [1]
})

describe("the bounds of metrics", () => {
  it.effect("make the service warn while they are left for as long as an alarm takes", () =>
    Effect.gen(function*() {
      const health = yield* Health
      const sink = yield* MetricSink.MetricSink
      const after = Effect.fnUntraced(function*(open: number, free: number) {
        yield* sink.put([datum("open", open), datum("free", free)])
        yield* TestClock.adjust("2 seconds")
        const [check] = health.report().checks["metric bounds"] ?? []
        return [health.status(), check?.output]
      })
      assert.deepStrictEqual(yield* after(6, 1), ["pass", undefined])
      assert.deepStrictEqual(yield* after(6, 1), ["warn", "orders pile up"])
      assert.deepStrictEqual(yield* after(6, 0), ["warn", "orders pile up; no room"])
      assert.deepStrictEqual(yield* after(5, 1), ["pass", undefined])
      assert.strictEqual((yield* MetricSink.MetricSinkMemory).datums.length, 8)
    }).pipe(Effect.provide(layer)))
})
