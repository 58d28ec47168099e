import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Metric } from "effect"
import { TestClock } from "effect/testing"
import * as BoundsHealth from "../../src/layers/BoundsHealth.ts"
import * as HealthLayer from "../../src/layers/Health.ts"
import * as Metrics from "../../src/layers/Metrics.ts"
import * as Environment from "../../src/services/Environment.ts"
import { Health } from "../../src/services/Health.ts"
import { Bounds } from "../../src/services/MetricBounds.ts"
import * as MetricSink from "../../src/services/MetricSink.ts"
import * as Recent from "../../src/services/Recent.ts"

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

  it.effect("make it warn of a gauge that does not move, which is posted as often as an alarm looks", () =>
    Effect.gen(function*() {
      const health = yield* Health
      const { datums } = yield* MetricSink.MetricSinkMemory
      const posted = (name: string) => datums.filter((datum) => datum.name === name).length
      yield* Metric.update(Metric.gauge("open"), 6)
      yield* Metric.update(Metric.gauge("free"), 0)
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(health.status(), "warn")
      assert.deepStrictEqual([health.report().checks["metric bounds"]?.[0]?.output], ["orders pile up; no room"])
      assert.isAtLeast(posted("open"), 10)
      assert.strictEqual(posted("free"), posted("open"))
    }).pipe(Effect.provide(
      Metrics.layer.pipe(
        Layer.provideMerge(layer),
        Layer.provideMerge(Layer.mergeAll(Recent.layer, Environment.layerMemory)),
        Layer.provideMerge(Layer.sync(Metric.MetricRegistry, () => new Map()))
      )
    )))
})
