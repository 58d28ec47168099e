import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Context, Effect, Metric, Schema } from "effect"
import * as MetricBatch from "../../src/services/MetricBatch.ts"

const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000)

const registry = () => Context.make(Metric.MetricRegistry, new Map())

/** Snapshots one registry again and again, each time against the last. */
const batches = (context: Context.Context<never>) => {
  let baseline: MetricBatch.Baseline = new Map()
  return () => {
    const batch = MetricBatch.make(Metric.snapshotUnsafe(context), baseline, 0)
    baseline = batch.baseline
    return batch
  }
}

const sum = (values: ReadonlyArray<number>) => values.reduce((a, b) => a + b, 0)

/** A series whose state the test says, as an app or another library may register one. */
const pulled = <State>(metric: Metric.Metric<never, State>, context: Context.Context<never>, get: () => State) =>
  Metric.registerUnsafe(metric, context, { get, update: () => {}, modify: () => {} })

describe("a batch", () => {
  it("has the increase of counters, the value of gauges, and nothing that did not change", () => {
    const context = registry()
    const orders = Metric.counter("orders_total", { incremental: true })
    const depth = Metric.gauge("queue_depth_bytes", { attributes: { queue: "a" } })
    orders.updateUnsafe(3, context)
    depth.updateUnsafe(7, context)
    const first = MetricBatch.make(Metric.snapshotUnsafe(context), new Map(), 1000)
    assert.deepStrictEqual(first.datums, [
      { name: "orders_total", unit: "Count", timestamp: 1000, dimensions: {}, values: [3], counts: [1] },
      {
        name: "queue_depth_bytes",
        unit: "Bytes",
        timestamp: 1000,
        dimensions: { queue: "a" },
        values: [7],
        counts: [1]
      }
    ])
    orders.updateUnsafe(2, context)
    const second = MetricBatch.make(Metric.snapshotUnsafe(context), first.baseline, 2000)
    assert.deepStrictEqual(second.datums.map(({ name, values }) => [name, values]), [["orders_total", [2]]])
    assert.deepStrictEqual(MetricBatch.make(Metric.snapshotUnsafe(context), second.baseline, 3000).datums, [])
  })

  it("has what a counter counted anew after a reset, and the signed change of one that may decrease", () => {
    const context = registry()
    const next = batches(context)
    const onlyUp = Metric.counter("only_up", { incremental: true })
    const upAndDown = Metric.counter("up_and_down")
    onlyUp.updateUnsafe(5, context)
    upAndDown.updateUnsafe(5, context)
    next()
    Metric.removeUnsafe(onlyUp, context)
    onlyUp.updateUnsafe(2, context)
    upAndDown.updateUnsafe(-3, context)
    assert.deepStrictEqual(
      new Map(next().datums.map(({ name, values }) => [name, values])),
      new Map([["only_up", [2]], ["up_and_down", [-3]]])
    )
  })

  it("has all of a histogram anew after a reset, also of the buckets that are fuller than before", () => {
    const context = registry()
    const next = batches(context)
    const histogram = Metric.histogram("h", { boundaries: [1, 2] })
    for (const value of [0.5, 0.5, 1.5]) histogram.updateUnsafe(value, context)
    next()
    Metric.removeUnsafe(histogram, context)
    for (const value of [0.5, 1.5, 1.5]) histogram.updateUnsafe(value, context)
    assert.deepStrictEqual(next().datums[0]?.counts, [1, 2])
  })

  it("has histograms by bucket, frequencies by word and summaries by quantile", () => {
    const context = registry()
    const histogram = Metric.histogram("latency_seconds", { boundaries: [1, 2] })
    for (const value of [0.5, 0.7, 1.5, 9]) histogram.updateUnsafe(value, context)
    Metric.frequency("colour").updateUnsafe("red", context)
    const summary = Metric.summaryWithTimestamp("size", { maxAge: "1 hour", maxSize: 10, quantiles: [0.5] })
    summary.updateUnsafe([4, Date.now()], context)
    const { datums } = MetricBatch.make(Metric.snapshotUnsafe(context), new Map(), 0)
    assert.deepStrictEqual(
      datums.map(({ counts, dimensions, name, unit, values }) => ({ name, unit, dimensions, values, counts })),
      [
        { name: "latency_seconds", unit: "Seconds", dimensions: {}, values: [1, 2, 9], counts: [2, 1, 1] },
        { name: "colour", unit: "Count", dimensions: { key: "red" }, values: [1], counts: [1] },
        { name: "size", unit: "None", dimensions: { quantile: "0.5" }, values: [4], counts: [1] }
      ]
    )
  })

  it("has Effect's timers in milliseconds, what is beyond the last finite bound with the greatest value seen", () => {
    const context = registry()
    const timer = Metric.timer("query", { boundaries: Metric.linearBoundaries({ start: 10, width: 10, count: 3 }) })
    for (const milliseconds of [3, 15, 70]) timer.updateUnsafe(milliseconds as never, context)
    const { datums, dropped } = MetricBatch.make(Metric.snapshotUnsafe(context), new Map(), 0)
    assert.deepStrictEqual(
      datums.map(({ counts, dimensions, unit, values }) => ({ unit, dimensions, values, counts })),
      [{ unit: "Milliseconds", dimensions: {}, values: [10, 20, 70], counts: [1, 1, 1] }]
    )
    assert.strictEqual(dropped, 0)
  })

  it("never says more of a value than the greatest seen", () => {
    const context = registry()
    Metric.histogram("h", { boundaries: [10, 100] }).updateUnsafe(11, context)
    assert.deepStrictEqual(MetricBatch.make(Metric.snapshotUnsafe(context), new Map(), 0).datums[0]?.values, [11])
  })

  it("tells series apart that share a name", () => {
    const context = registry()
    const next = batches(context)
    const one = Metric.counter("n", { description: "one", incremental: true })
    const other = Metric.counter("n", { description: "other", incremental: true })
    one.updateUnsafe(5, context)
    other.updateUnsafe(1, context)
    next()
    one.updateUnsafe(1, context)
    assert.deepStrictEqual(next().datums.map(({ values }) => values), [[1]])
  })

  it("has the process first, the chassis and requests next, the app last", () => {
    const context = registry()
    for (const name of ["app", "http_server_requests_total", "process_cpu_seconds_total", "keelson_fibers", "zoo"]) {
      Metric.counter(name).updateUnsafe(1, context)
    }
    const { datums } = MetricBatch.make(Metric.snapshotUnsafe(context), new Map(), 0)
    assert.deepStrictEqual(
      datums.map(({ name }) => name),
      ["process_cpu_seconds_total", "http_server_requests_total", "keelson_fibers", "app", "zoo"]
    )
  })

  it("drops what is not finite or beyond CloudWatch's range, alone, and counts it", () => {
    const context = registry()
    Metric.gauge("nan").updateUnsafe(Number.NaN, context)
    Metric.gauge("infinite").updateUnsafe(Number.POSITIVE_INFINITY, context)
    Metric.gauge("too large").updateUnsafe(-1e109, context)
    Metric.gauge("tiny").updateUnsafe(1e-110, context)
    Metric.gauge("good").updateUnsafe(1, context)
    const { datums, dropped } = MetricBatch.make(Metric.snapshotUnsafe(context), new Map(), 0)
    assert.deepStrictEqual(datums.map(({ name, values }) => [name, values]), [["tiny", [0]], ["good", [1]]])
    assert.strictEqual(dropped, 3)
  })

  it("loses no increase to a total that once was not a number", () => {
    const context = registry()
    const next = batches(context)
    let count = 5
    pulled(Metric.counter("n", { incremental: true }), context, () => ({ count, incremental: true }))
    next()
    count = Number.NaN
    assert.deepStrictEqual([next().datums, next().dropped], [[], 1])
    count = 7
    assert.deepStrictEqual(next().datums[0]?.values, [2])
  })
})

const amount = Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 0, maximum: 1000 })))

describe(`a series of batches (seed ${seed})`, () => {
  it.effect("adds up to the totals whatever is updated in between", () =>
    Effect.gen(function*() {
      const result = yield* Arbitrary.checkEffect(
        Arbitrary.schema(Schema.Array(Schema.Array(amount))),
        (intervals) => {
          const context = registry()
          const next = batches(context)
          const counter = Metric.counter("counter", { incremental: true })
          const signed = Metric.counter("signed")
          const histogram = Metric.histogram("histogram", { boundaries: [10, 100, 500] })
          const frequency = Metric.frequency("frequency")
          const totals = new Map<string, number>()
          const add = (name: string, value: number) => totals.set(name, (totals.get(name) ?? 0) + value)
          for (const updates of intervals) {
            for (const update of updates) {
              counter.updateUnsafe(update, context)
              signed.updateUnsafe(update - 500, context)
              histogram.updateUnsafe(update, context)
              frequency.updateUnsafe(String(update % 3), context)
            }
            for (const { counts, name, values } of next().datums) {
              add(name, sum(name === "histogram" ? counts : values))
            }
          }
          const all = intervals.flat()
          assert.strictEqual(totals.get("counter") ?? 0, sum(all))
          assert.strictEqual(totals.get("signed") ?? 0, sum(all) - 500 * all.length)
          assert.strictEqual(totals.get("histogram") ?? 0, all.length)
          assert.strictEqual(totals.get("frequency") ?? 0, all.length)
          return true
        },
        { seed, runs: 200 }
      )
      assert.isUndefined(Arbitrary.formatCheckFailure(result))
    }))

  it.effect("never has a value that no sink takes, whatever the states are", () =>
    Effect.gen(function*() {
      const odd = [Number.NaN, Infinity, -Infinity, 0, -0, 1, -1, 5e-324, Number.MAX_VALUE, -Number.MAX_VALUE, 2 ** 360]
      const number = Arbitrary.map(
        Arbitrary.all([Arbitrary.schema(Schema.Number), Arbitrary.schema(amount)]),
        ([any, index]) => odd[index % (2 * odd.length)] ?? any
      )
      const result = yield* Arbitrary.checkEffect(
        Arbitrary.array(Arbitrary.all([number, number, number])),
        (states) => {
          const context = registry()
          const next = batches(context)
          let [a, b, c] = [0, 0, 0]
          pulled(Metric.counter("counter", { incremental: true }), context, () => ({ count: a, incremental: true }))
          pulled(Metric.counter("signed"), context, () => ({ count: a, incremental: false }))
          pulled(Metric.gauge("gauge"), context, () => ({ value: b }))
          pulled(Metric.histogram("histogram", { boundaries: [1] }), context, () => ({
            buckets: [[a, b] satisfies [number, number]],
            count: c,
            min: a,
            max: b,
            sum: c
          }))
          pulled(Metric.frequency("frequency"), context, () => ({ occurrences: new Map([["word", c]]) }))
          for (const state of states) {
            ;[a = 0, b = 0, c = 0] = state
            for (const { counts, values } of next().datums) {
              assert.strictEqual(values.length, counts.length)
              for (const value of values) assert.isAtMost(Math.abs(value), 2 ** 360)
              for (const count of counts) assert.isTrue(Number.isFinite(count))
            }
          }
          return true
        },
        { seed, runs: 500 }
      )
      assert.isUndefined(Arbitrary.formatCheckFailure(result))
    }))
})
