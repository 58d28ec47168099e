import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Context, Effect, Metric, Schema } from "effect"
import { make } from "../../src/services/DurationHistogram.ts"
import { boundaries, fineBoundaries } from "../../src/services/HttpMetrics.ts"

const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000)

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

describe("DurationHistogram", () => {
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

  it("takes what a clock that was set back gives", () => {
    assert.deepStrictEqual(own(boundaries, [-1, 0, Infinity]), effects(boundaries, [-1, 0, Infinity]))
  })
})
