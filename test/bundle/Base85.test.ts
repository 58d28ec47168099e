import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Schema } from "effect"
import { base85 } from "../../src/bundle/Base85.ts"

const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000)

const alphabet = Array.from({ length: 86 }, (_, index) => String.fromCharCode(35 + index)).filter((text) =>
  text !== "*"
)

const valueOf = (text: string) =>
  [...text].reduce((value, character) => value * 85n + BigInt(alphabet.indexOf(character)), 0n)

describe("base 85", () => {
  it.effect(`gives each four bytes five digits, and the rest one more than it has bytes (seed ${seed})`, () =>
    Effect.gen(function*() {
      const result = yield* Arbitrary.checkEffect(Arbitrary.schema(Schema.Uint8Array), (bytes) =>
        Effect.sync(() => {
          const text = base85(bytes)
          const words = text.match(/.{1,5}/gs) ?? []
          const read = words.map((word) => {
            const hex = valueOf(word.padEnd(5, "x")).toString(16).padStart(8, "0")
            return hex.slice(0, (word.length - 1) * 2)
          })
          assert.strictEqual(read.join(""), Buffer.from(bytes).toString("hex"))
          return true
        }), { seed, runs: 500 })
      assert.isUndefined(Arbitrary.formatCheckFailure(result))
    }))

  it("may stand in a comment", () => {
    assert.notMatch(base85(Uint8Array.from({ length: 4096 }, (_, index) => (index * index) % 251)), /[^#-)+-x]/)
  })
})
