import { assert, describe, it } from "@effect/vitest"
import { leaves, type MetricBound, type Statistic } from "../../src/services/MetricBounds.ts"
import type { Datum } from "../../src/services/MetricSink.ts"

const datum = (values: ReadonlyArray<number>, more: Partial<Datum> = {}): Datum => ({
  name: "open",
  unit: "None",
  timestamp: 0,
  dimensions: {},
  values,
  counts: values.map(() => 2),
  ...more
})

const atMost = (atMost: number, statistic?: Statistic): MetricBound => ({
  metric: "open",
  description: "",
  atMost,
  statistic
})
const atLeast = (atLeast: number, statistic?: Statistic): MetricBound => ({
  metric: "open",
  description: "",
  atLeast,
  statistic
})

describe("a bound", () => {
  it("is left by the largest value, the sum or the count of one process, when it is the most that may be", () => {
    assert.isTrue(leaves(atMost(2), [datum([1, 3])]))
    assert.isFalse(leaves(atMost(3), [datum([1, 3])]))
    assert.isTrue(leaves(atMost(7, "Sum"), [datum([1, 3])]))
    assert.isFalse(leaves(atMost(8, "Sum"), [datum([1, 3])]))
    assert.isTrue(leaves(atMost(3, "SampleCount"), [datum([1, 3])]))
    assert.isFalse(leaves(atMost(4, "SampleCount"), [datum([1, 3])]))
  })

  it("is left by the smallest value, when it is the least that may be", () => {
    assert.isTrue(leaves(atLeast(2), [datum([1, 3])]))
    assert.isFalse(leaves(atLeast(1), [datum([1, 3])]))
  })

  it("is nothing that one process can tell of averages, percentiles, least sums, and what is not there", () => {
    for (const bound of [atMost(0, "Average"), atMost(0, "p99"), atLeast(9, "Sum"), atLeast(9, "SampleCount")]) {
      assert.isUndefined(leaves(bound, [datum([1])]))
    }
    assert.isUndefined(leaves(atLeast(9), []))
  })

  it("is of one series alone", () => {
    const bound = { ...atMost(0), attributes: { shop: "north" } }
    assert.isUndefined(leaves(bound, [datum([1]), datum([1], { dimensions: { shop: "south" } })]))
    assert.isUndefined(leaves(bound, [datum([1], { dimensions: { shop: "north", floor: "1" } })]))
    assert.isTrue(leaves(bound, [datum([1], { dimensions: { shop: "north" } })]))
  })
})
