import { assert, describe, it } from "@effect/vitest"
import { compare, complaints } from "../../bench/ratios.ts"

const worse = (stored: number, measured: number, figure = "CPU of a GET × raw-node") =>
  compare({ [figure]: stored }, { [figure]: measured }).map(({ worse }) => worse)

describe("ratios", () => {
  it("takes what lies within the band, and what is faster, for no regression", () => {
    assert.deepStrictEqual([worse(1.4, 1.4), worse(1.4, 1.6), worse(1.4, 0.7)], [[false], [false], [false]])
  })

  it("takes what lies beyond the band for a regression, and what is no number", () => {
    assert.deepStrictEqual([worse(1.4, 1.62), worse(1.4, Number.NaN)], [[true], [true]])
  })

  it("lets starts and the slowest hundredth vary more, and memory less", () => {
    assert.deepStrictEqual([worse(1, 1.2, "first answer × node -e 0"), worse(1, 1.3, "first answer × node -e 0")], [
      [false],
      [true]
    ])
    assert.deepStrictEqual([worse(1, 1.4, "p99 of a GET"), worse(1, 1.6, "p99 of a GET")], [[false], [true]])
    assert.deepStrictEqual([worse(1, 1.09, "idle RSS"), worse(1, 1.12, "idle RSS")], [[false], [true]])
  })

  it("compares only what was both stored and measured", () => {
    assert.deepStrictEqual(compare({ gone: 1, both: 1 }, { both: 1, new: 9 }).map(({ figure }) => figure), ["both"])
  })

  it("says which ratio is worse, by how much, and beyond what", () => {
    assert.deepStrictEqual(complaints(compare({ a: 2, b: 1 }, { a: 2.6, b: 1 })), [
      "a is 2.60, 30 % more than the stored 2.00 and beyond 2.30, which noise may explain"
    ])
  })
})
