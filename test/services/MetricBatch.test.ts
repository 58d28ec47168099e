import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Context, Effect, Metric, Schema } from "effect"
import { fineBoundaries } from "../../src/services/HttpMetrics.ts"
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
  it("has the increase of counters, the value of gauges, and no counter that did not change", () => {
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
    assert.deepStrictEqual(second.datums.map(({ name, values }) => [name, values]), [
      ["orders_total", [2]],
      ["queue_depth_bytes", [7]]
    ])
  })

  it("has a gauge that stays where it is, but at 0 only where it is watched", () => {
    const context = registry()
    const depth = Metric.gauge("queue_depth")
    let baseline: MetricBatch.Baseline = new Map()
    const values = (watched = false) => {
      const batch = MetricBatch.make(Metric.snapshotUnsafe(context), baseline, 0, {
        watched: (metric) => watched && metric === "queue_depth"
      })
      baseline = batch.baseline
      return batch.datums.flatMap(({ values }) => values)
    }
    depth.updateUnsafe(100, context)
    assert.deepStrictEqual([values(), values()], [[100], [100]])
    depth.updateUnsafe(0, context)
    assert.deepStrictEqual([values(), values(), values(true)], [[0], [], [0]])
  })

  it("has what a series counted while it could not be read, once", () => {
    const context = registry()
    const words = Metric.frequency("words")
    const update = (word: string) => words.updateUnsafe(word, context)
    let total = 1000
    let broken = false
    pulled(Metric.counter("queries_total", { incremental: true }), context, () => ({
      get count(): number {
        if (broken) throw new Error("no state")
        return total
      },
      incremental: true
    }))
    update("a")
    const snapshot = () => Metric.snapshotUnsafe(context)
    const first = MetricBatch.make(snapshot(), new Map(), 0)
    total += 5
    broken = true
    const second = MetricBatch.make(snapshot(), first.baseline, 0)
    assert.deepStrictEqual([second.datums.length, second.dropped], [0, 1])
    broken = false
    const unread = snapshot().filter(({ type }) => type === "Frequency")
    const third = MetricBatch.make(snapshot().filter((series) => !unread.includes(series)), second.baseline, 0, {
      unread
    })
    assert.deepStrictEqual([third.datums.map(({ values }) => values), third.dropped], [[[5]], 1])
    update("a")
    assert.deepStrictEqual(MetricBatch.make(snapshot(), third.baseline, 0).datums.map(({ values }) => values), [[1]])
  })

  it("has good values of a histogram also after one that has no end", () => {
    const context = registry()
    const next = batches(context)
    const size = Metric.histogram("size", { boundaries: [1, 10] })
    for (const value of [50, Infinity, -Infinity]) size.updateUnsafe(value, context)
    next()
    for (const value of [0.5, 5, 50]) size.updateUnsafe(value, context)
    assert.deepStrictEqual(next().datums.map(({ counts, values }) => [values, counts]), [[[1, Math.sqrt(10), 10], [
      1,
      1,
      1
    ]]])
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
        {
          name: "latency_seconds",
          unit: "Seconds",
          dimensions: {},
          values: [Math.sqrt(0.5), Math.sqrt(2), 9],
          counts: [2, 1, 1]
        },
        { name: "colour", unit: "Count", dimensions: { key: "red" }, values: [1], counts: [1] },
        { name: "size", unit: "None", dimensions: { quantile: "0.5" }, values: [4], counts: [1] }
      ]
    )
  })

  it("has Effect's timers in milliseconds, what is beyond the last finite bound with the greatest value seen", () => {
    const context = registry()
    const timer = Metric.timer("query", { boundaries: Metric.linearBoundaries({ start: 10, width: 10, count: 3 }) })
    for (const milliseconds of [10, 15, 70]) timer.updateUnsafe(milliseconds as never, context)
    const { datums, dropped } = MetricBatch.make(Metric.snapshotUnsafe(context), new Map(), 0)
    assert.deepStrictEqual(
      datums.map(({ counts, dimensions, unit, values }) => ({ unit, dimensions, values, counts })),
      [{ unit: "Milliseconds", dimensions: {}, values: [10, 10 * Math.sqrt(2), 70], counts: [1, 1, 1] }]
    )
    assert.strictEqual(dropped, 0)
  })

  it("never says more of a value than the greatest seen, nor less than the least", () => {
    for (const value of [2, 11, 90, 1000]) {
      const context = registry()
      Metric.histogram("h", { boundaries: [10, 100] }).updateUnsafe(value, context)
      assert.deepStrictEqual(MetricBatch.make(Metric.snapshotUnsafe(context), new Map(), 0).datums[0]?.values, [value])
    }
  })

  it("has the midpoint of buckets with a bound that is not positive", () => {
    const context = registry()
    const histogram = Metric.histogram("h", { boundaries: [-10, 0, 10, 40] })
    for (const value of [-30, -5, 5, 20, 90]) histogram.updateUnsafe(value, context)
    const { datums } = MetricBatch.make(Metric.snapshotUnsafe(context), new Map(), 0)
    assert.deepStrictEqual(datums[0]?.values.map((value) => Math.round(value)), [-20, -5, 5, 20, 90])
  })

  it("has no more than 150 values a datum", () => {
    const context = registry()
    const boundaries = Array.from({ length: 400 }, (_, index) => index)
    const histogram = Metric.histogram("h", { boundaries })
    for (const bound of boundaries) histogram.updateUnsafe(bound, context)
    const { datums } = MetricBatch.make(Metric.snapshotUnsafe(context), new Map(), 0)
    assert.deepStrictEqual(datums.map(({ values }) => values.length), [150, 150, 100])
    assert.deepStrictEqual(datums.map(({ counts }) => sum(counts)), [150, 150, 100])
    assert.strictEqual(new Set(datums.flatMap(({ values }) => values)).size, 400)
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

const percentiles = [0.5, 0.9, 0.99]
const [least, most] = [1e-5, 60]
const within = (value: number) => Math.min(Math.max(value, least), most)

/** The nearest rank of values with counts. */
const percentile = (entries: ReadonlyArray<readonly [value: number, count: number]>, p: number): number => {
  const sorted = [...entries].sort(([a], [b]) => a - b)
  let rank = Math.ceil(p * sum(entries.map(([, count]) => count)))
  return sorted.find(([, count]) => (rank -= count) <= 0)?.[0] ?? Number.NaN
}

const normal = (a: number, b: number) => Math.sqrt(-2 * Math.log(1 - a)) * Math.cos(2 * Math.PI * b)

const shapes: ReadonlyArray<(a: number, b: number, at: number) => number> = [
  (a) => least * (most / least) ** a,
  (a, b, at) => at * Math.exp(normal(a, b)),
  (a, b, at) => (a < 0.93 ? at : at * 50) * (1 + b / 10),
  (a, _, at) => -at * Math.log(1 - a),
  (a, _, at) => at * a,
  (a, _, at) => at / (1 - a),
  (_, __, at) => at
]

const fraction = Arbitrary.map(
  Arbitrary.schema(Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 0, maximum: 999_999 })))),
  (int) => int / 1_000_000
)

const samples = Arbitrary.map(
  Arbitrary.all([
    fraction,
    fraction,
    Arbitrary.array(Arbitrary.all([fraction, fraction]), { minLength: 1 })
  ]),
  ([shape, at, pairs]) => {
    const draw = shapes[Math.floor(shape * shapes.length)] ?? ((a) => a)
    return pairs.map(([a, b]) => within(draw(a, b, least * (most / least) ** at)))
  }
)

describe(`percentiles of a histogram (seed ${seed})`, () => {
  it.effect("are within 5 % of the exact ones whatever the distribution, also over several batches", () =>
    Effect.gen(function*() {
      const result = yield* Arbitrary.checkEffect(
        samples,
        (values) => {
          const context = registry()
          const next = batches(context)
          const histogram = Metric.histogram("h", { boundaries: fineBoundaries })
          const posted: Array<readonly [value: number, count: number]> = []
          for (const part of [values.slice(0, values.length / 3), values.slice(values.length / 3)]) {
            for (const value of part) histogram.updateUnsafe(value, context)
            for (const datum of next().datums) {
              posted.push(...datum.values.map((value, index) => [value, datum.counts[index] ?? 0] as const))
            }
          }
          for (const p of percentiles) {
            const exact = percentile(values.map((value) => [value, 1]), p)
            assert.isAtMost(Math.abs(percentile(posted, p) / exact - 1), 0.05)
          }
          return true
        },
        { seed, runs: 1000, size: 400 }
      )
      assert.isUndefined(Arbitrary.formatCheckFailure(result))
    }))
})

describe(`exponential boundaries (seed ${seed})`, () => {
  it.effect("ascend from the first to the last by at most a tenth, and have what they shall include", () =>
    Effect.gen(function*() {
      const positive = Arbitrary.map(fraction, (fraction) => 10 ** (12 * fraction - 6))
      const result = yield* Arbitrary.checkEffect(
        Arbitrary.all([positive, positive, Arbitrary.array(positive)]),
        ([one, other, include]) => {
          const [from, to] = [Math.min(one, other), Math.max(one, other)]
          const bounds = MetricBatch.exponentialBoundaries({ from, to, include })
          for (const mark of [from, to, ...include]) assert.include(bounds, mark)
          for (const [index, bound] of bounds.slice(1).entries()) {
            const before = bounds[index] ?? Number.NaN
            assert.isAbove(bound, before)
            assert.isAtMost(bound / before, 1.1 + 1e-9)
          }
          return true
        },
        { seed, runs: 500 }
      )
      assert.isUndefined(Arbitrary.formatCheckFailure(result))
    }))

  it("need no more bounds than the ratio asks for", () => {
    assert.deepStrictEqual(MetricBatch.exponentialBoundaries({ from: 1, to: 1.05 }), [1, 1.05])
    assert.strictEqual(MetricBatch.exponentialBoundaries({ from: 1, to: 10 }).length, 26)
    assert.isAtMost(fineBoundaries.length, 180)
  })
})
