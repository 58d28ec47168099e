import { assert, describe, it } from "@effect/vitest"
import { inTurns } from "../../src/services/Located.ts"

const at = (name: string, priority: number, weight: number) => ({ name, port: 80, priority, weight })
const names = (records: Parameters<typeof inTurns>[0]) => inTurns(records).map(({ name }) => name)

describe("SRV records", () => {
  it("are used in turns, those of the least priority alone, by weight", () => {
    assert.deepStrictEqual(names([]), [])
    assert.deepStrictEqual(names([at("b", 2, 1), at("a", 1, 1)]), ["a"])
    assert.deepStrictEqual(names([at("a", 1, 10), at("b", 1, 10)]), ["a", "b"])
    assert.deepStrictEqual(names([at("a", 1, 30), at("b", 1, 10)]), ["a", "b", "a", "a"])
    assert.deepStrictEqual(names([at("a", 0, 0), at("b", 0, 0)]), ["a", "b"])
    assert.strictEqual(names([at("a", 0, 60_000), at("b", 0, 1)]).length, 11)
  })
})
