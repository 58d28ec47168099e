import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Metric } from "effect"
import { TestClock } from "effect/testing"
import * as ProcessMetrics from "../../src/layers/ProcessMetrics.ts"
import * as Sampler from "../../src/layers/Sampler.ts"
import { History } from "../../src/services/History.ts"
import * as HttpMetrics from "../../src/services/HttpMetrics.ts"

const layer = Layer.mergeAll(Sampler.layer, HttpMetrics.layer).pipe(
  Layer.provideMerge(ProcessMetrics.layer),
  Layer.provideMerge(Layer.sync(Metric.MetricRegistry, () => new Map()))
)

const view = Effect.map(History, (history) => history.view())

describe("Sampler", () => {
  it.effect("reads the registry every five seconds", () =>
    Effect.gen(function*() {
      const orders = Metric.counter("orders_total", { incremental: true })
      yield* TestClock.adjust("1 second")
      for (const orders of [2, 0, 3]) {
        yield* Metric.update(Metric.counter("orders_total", { incremental: true }), orders)
        yield* TestClock.adjust("5 seconds")
      }
      yield* Metric.update(orders, 9)
      const { seconds, series } = yield* view
      assert.deepStrictEqual(series("orders_total", {}), [2, 0, 3])
      assert.strictEqual(seconds, 15)
    }).pipe(Effect.provide(layer)))

  it.effect("knows what operations did at once, from the histograms of the requests", () =>
    Effect.gen(function*() {
      const { finished, started } = (yield* HttpMetrics.HttpMetrics).bind("orders.get", "GET")
      yield* TestClock.adjust("6 seconds")
      for (let request = 0; request < 100; request++) {
        started()
        finished(request < 3 ? 503 : 200, request < 50 ? 0.002 : 0.1)
      }
      yield* TestClock.adjust("2 seconds")
      const [stats] = (yield* view).operations
      assert.deepInclude(stats, { operation: "orders.get", method: "GET", answers: 100, errors: 3 })
      assert.approximately(stats?.perSecond ?? 0, 100 / 7, 1e-6)
      assert.approximately(stats?.p50 ?? 0, 0.002, 0.002 * 0.05)
      assert.approximately(stats?.p99 ?? 0, 0.1, 0.1 * 0.05)
    }).pipe(Effect.provide(layer)))

  it.effect("measures how the process is", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust("6 seconds")
      const { vitals } = yield* view
      const last = Object.fromEntries(Object.entries(vitals).map(([name, values]) => [name, values.at(-1)]))
      for (const name of ["loop", "delay", "cpu", "gc"]) assert.isAtLeast(last[name] ?? NaN, 0, name)
      assert.isAbove(last["heap"] ?? 0, 1e6)
      assert.isAbove(last["rss"] ?? 0, last["heap"] ?? 0)
      assert.isAbove(last["cpu"] ?? 0, 0)
    }).pipe(Effect.provide(layer)))

  it.effect("sees the time spent collecting garbage", () =>
    Effect.gen(function*() {
      let seconds = 0
      Metric.registerUnsafe(
        Metric.counter("nodejs_gc_duration_seconds_total", { attributes: { kind: "test" }, incremental: true }),
        yield* Effect.context<never>(),
        { get: () => ({ count: seconds, incremental: true }), update: () => {}, modify: () => {} }
      )
      yield* TestClock.adjust("6 seconds")
      seconds = 1e6
      yield* TestClock.adjust("6 seconds")
      assert.isAbove((yield* view).vitals.gc.at(-1) ?? 0, 1e3)
    }).pipe(Effect.provide(layer)))

  it.effect("goes on when a metric cannot be read", () =>
    Effect.gen(function*() {
      const context = yield* Effect.context<never>()
      const broken = () => {
        throw new Error("broken")
      }
      Metric.registerUnsafe(Metric.gauge("broken"), context, { get: broken, update: () => {}, modify: () => {} })
      yield* Metric.update(Metric.gauge("fine"), 4)
      yield* TestClock.adjust("6 seconds")
      const { series } = yield* view
      assert.deepStrictEqual(series("fine", {})?.at(-1), 4)
      assert.isUndefined(series("broken", {}))
    }).pipe(Effect.provide(layer)))
})
