import { assert, describe, it } from "@effect/vitest"
import * as LoopDelay from "../../src/layers/LoopDelay.ts"

describe("the delay of the event loop", () => {
  it("is what a tick came later than the timer's period, and nothing where none came", () => {
    assert.closeTo(LoopDelay.seconds(25e6, 10), 0.015, 1e-9)
    assert.deepStrictEqual([9e6, 511, 0, Number.NaN].map((measured) => LoopDelay.seconds(measured, 10)), [0, 0, 0, 0])
  })
})
