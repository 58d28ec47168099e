import { assert, describe, it } from "@effect/vitest"
import type { Metric } from "effect"
import * as OperationHistory from "../../src/services/OperationHistory.ts"

/** A histogram of one value per bucket, with bounds 1, 2, 4 and what is beyond. */
const stateOf = (...counts: [number, number, number, number]): Metric.HistogramState => {
  let total = 0
  const cumulated = counts.map((count) => total += count)
  return {
    buckets: [1, 2, 4].map((bound, index): [number, number] => [bound, cumulated[index] ?? 0]),
    count: total,
    min: 0.5,
    max: 8,
    sum: 0
  }
}

const period = { seconds: 10, intervalSeconds: 5, intervals: 2 }

describe("the history of an operation", () => {
  it("counts what came since the last time, by status", () => {
    const history = OperationHistory.make()
    history.add("200", stateOf(4, 0, 0, 0))
    history.add("500", stateOf(1, 0, 0, 0))
    history.turn()
    history.add("200", stateOf(4, 0, 6, 0))
    history.turn()
    history.add("200", stateOf(4, 0, 6, 0))
    const { answers, errors, perSecond, rates } = history.stats(period)
    assert.deepStrictEqual([answers, errors, perSecond, rates], [11, 1, 1.1, [1, 1.2]])
  })

  it("tells the percentiles of the last minutes, not those since the start", () => {
    const history = OperationHistory.make()
    history.add("200", stateOf(0, 0, 0, 1000))
    assert.strictEqual(history.stats(period).p50, 8)
    for (let interval = 0; interval < 60; interval++) history.turn()
    assert.strictEqual(history.stats(period).p50, undefined)
    history.add("200", stateOf(0, 98, 2, 1000))
    const { p50, p99 } = history.stats(period)
    assert.approximately(p50 ?? 0, Math.SQRT2, 1e-9)
    assert.approximately(p99 ?? 0, Math.sqrt(8), 1e-9)
  })

  it("gives the greatest value seen for what is beyond all bounds", () => {
    const history = OperationHistory.make()
    history.add("200", stateOf(0, 0, 0, 3))
    assert.strictEqual(history.stats(period).p99, 8)
  })

  it("has no percentiles without answers", () => {
    assert.deepInclude(OperationHistory.make().stats(period), { answers: 0, perSecond: 0, p50: undefined })
  })

  it("knows the chassis' own", () => {
    assert.deepStrictEqual(
      ["livez", "admin/", "admin/logs", "unmatched", "orders.get", "version.get"].map(OperationHistory.isChassis),
      [true, true, true, true, false, false]
    )
  })
})
