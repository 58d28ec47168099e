import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Context, Effect, Metric, Schema } from "effect"
import { make } from "../../src/services/BucketHistogram.ts"
import { boundaries, fineBoundaries } from "../../src/services/HttpMetrics.ts"
import * as MetricSeries from "../../src/services/MetricSeries.ts"

const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000)

const registry = () =>
  Context.make(Metric.MetricRegistry, new Map()).pipe(Context.add(Metric.CurrentMetricAttributes, {}))

const keelsons = () => {
  const context = registry()
  MetricSeries.bound(Context.get(context, Metric.MetricRegistry))
  return context
}

const numbers = Arbitrary.map(
  Arbitrary.array(
    Arbitrary.all([
      Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 }))),
      Arbitrary.schema(Schema.Number)
    ]),
    { maxLength: 30 }
  ),
  (choices) => choices.map(([choice, any]) => [any, 0, -0, 1, 1.5, -1, 0.005, 1e9, any % 100, any % 2][choice] ?? 0)
)

describe(`a histogram in keelson's registry (seed ${seed})`, () => {
  it.prop(
    "counts as Effect's own does",
    [numbers, numbers],
    ([bounds, values]) => {
      // no -0
      const boundaries = bounds.map((bound) => bound + 0)
      const histogram = Metric.histogram("h", { boundaries })
      const [ours, theirs] = [keelsons(), registry()]
      for (const value of [...values, ...boundaries, Number.NaN, Infinity, -Infinity]) {
        histogram.updateUnsafe(value, ours)
        histogram.updateUnsafe(value, theirs)
        assert.deepStrictEqual(histogram.valueUnsafe(ours), histogram.valueUnsafe(theirs))
      }
    },
    { arbitrary: { runs: 500, seed } }
  )

  it("goes on from what it had counted before the registry was keelson's", () => {
    const context = registry()
    const histogram = Metric.histogram("h", { boundaries: [1, 2] })
    histogram.updateUnsafe(1.5, context)
    MetricSeries.bound(Context.get(context, Metric.MetricRegistry))
    histogram.updateUnsafe(0.5, context)
    assert.deepInclude(histogram.valueUnsafe(context), { count: 2, sum: 2, buckets: [[1, 1], [2, 2]] })
  })

  it("may be one that is read from elsewhere", () => {
    const context = keelsons()
    const histogram = Metric.histogram("h", { boundaries: [1] })
    const state = { buckets: [[1, 3]] as Array<[number, number]>, count: 3, sum: 2, min: 0, max: 1 }
    Metric.registerUnsafe(histogram, context, { get: () => state, update: () => {}, modify: () => {} })
    histogram.updateUnsafe(5, context)
    assert.deepStrictEqual(histogram.valueUnsafe(context), state)
  })
})

const effects = (bounds: ReadonlyArray<number>, values: ReadonlyArray<number>) => {
  const context = Context.make(Metric.MetricRegistry, new Map())
  const histogram = Metric.histogram("seconds", { boundaries: bounds })
  for (const value of values) histogram.updateUnsafe(value, context)
  return histogram.valueUnsafe(context)
}

const own = (bounds: ReadonlyArray<number>, values: ReadonlyArray<number>) => {
  const histogram = make(bounds)
  for (const value of values) histogram.record(value)
  assert.strictEqual(histogram.count(), values.length)
  return histogram.state()
}

// From less than the least unit to more than an integer holds.
const durations = Arbitrary.map(
  Arbitrary.schema(Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: -9_000_000, maximum: 5_000_000 })))),
  (millionths) => 10 ** (millionths / 1_000_000)
)

describe("BucketHistogram", () => {
  it.effect(`says of any durations what Effect's histogram says (seed ${seed})`, () =>
    Effect.gen(function*() {
      const result = yield* Arbitrary.checkEffect(
        Arbitrary.array(durations),
        (values) => {
          for (const bounds of [boundaries, fineBoundaries, [1], []]) {
            assert.deepStrictEqual(own(bounds, values), effects(bounds, values))
          }
          return true
        },
        { seed, runs: 300 }
      )
      assert.isUndefined(Arbitrary.formatCheckFailure(result))
    }))

  it("counts a bound itself below it, and what is just above it not", () => {
    for (const bound of fineBoundaries) {
      const around = [bound * (1 - Number.EPSILON), bound, bound * (1 + Number.EPSILON)]
      assert.deepStrictEqual(own(fineBoundaries, around), effects(fineBoundaries, around))
    }
  })

  it("counts any number of updates that nobody reads between", () => {
    for (const count of [31, 32, 33, 64, 1000]) {
      const values = Array.from({ length: count }, (_, index) => index / 10)
      assert.deepStrictEqual(own(boundaries, values), effects(boundaries, values))
    }
  })

  it("takes what a clock that was set back gives", () => {
    assert.deepStrictEqual(own(boundaries, [-1, 0, Infinity]), effects(boundaries, [-1, 0, Infinity]))
  })
})
