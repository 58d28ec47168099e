import { assert, describe, it } from "@effect/vitest"
import * as Thousandths from "../../src/services/Thousandths.ts"

describe("Thousandths", () => {
  it("writes each number once, with its three digits", () => {
    const written: Array<string> = []
    const text = Thousandths.make((digits) => {
      written.push(digits)
      return `.${digits}s`
    })
    const all = Array.from({ length: 1000 }, (_, number) => number)
    const twice = [...all, ...all].map(text)
    assert.deepStrictEqual(
      twice,
      [...all, ...all].map((number) => `${(number / 1000).toFixed(3).slice(1)}s`)
    )
    assert.strictEqual(written.length, 1000)
  })

  it("has written nothing before it is asked", () => {
    Thousandths.make(() => assert.fail("written"))
  })
})
