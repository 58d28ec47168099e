import { assert, describe, it } from "@effect/vitest"
import * as Points from "../../src/services/Points.ts"

describe("Points", () => {
  it("adds up what comes in an interval, and starts the next from what it is told", () => {
    const points = Points.make(0)
    points.add(2)
    points.add(3)
    points.turn(0)
    points.add(4)
    points.turn(0)
    assert.deepStrictEqual(points.closed(3), [0, 5, 4])
  })

  it("keeps the last value of an interval, or nothing", () => {
    const points = Points.make(NaN)
    points.set(1)
    points.set(2)
    points.turn(NaN)
    points.turn(NaN)
    assert.deepStrictEqual(points.closed(3), [NaN, 2, NaN])
    assert.strictEqual(points.sum(), 2)
  })

  it("forgets what is older than its size, and sums up the open interval too", () => {
    const points = Points.make(0)
    for (let n = 1; n <= Points.size + 5; n++) {
      points.add(n)
      points.turn(0)
    }
    points.add(1000)
    const expected = Array.from({ length: Points.size }, (_, index) => index + 6)
    assert.deepStrictEqual(points.closed(Points.size), expected)
    assert.strictEqual(points.sum(), expected.reduce((a, b) => a + b) + 1000)
  })
})
