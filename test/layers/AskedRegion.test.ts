import { assert, describe, it } from "@effect/vitest"
import * as AskedRegion from "../../src/layers/AskedRegion.ts"

describe("a Region that is asked for later", () => {
  it("is asked for once, and again after a failure", async () => {
    let times = 0
    const region = AskedRegion.make(() => {
      times++
      return times === 1 ? Promise.reject(new Error("no answer")) : Promise.resolve("eu-west-1")
    })
    const first = await Promise.allSettled([region(), region()])
    assert.deepStrictEqual([first.map(({ status }) => status), times], [["rejected", "rejected"], 1])
    assert.deepStrictEqual([await region(), await region(), times], ["eu-west-1", "eu-west-1", 2])
  })
})
