import { assert, describe, it } from "@effect/vitest"
import type { Entry } from "../../src/services/LogBatch.ts"
import * as LogPack from "../../src/services/LogPack.ts"
import * as Spool from "../../src/services/Spool.ts"

const entry = (order: number, message = `{"message":"日本語 🦊 ${order}"}`): Entry => ({
  timestamp: 1_700_000_000_000 + order,
  message,
  seq: order % 3,
  bytes: Buffer.byteLength(message) + 26,
  priority: 2,
  order
})

describe("packed entries", () => {
  it("are the same again", () => {
    const entries = ["", "plain", "日本語", "🦊".repeat(100), `"\\u0000`].map((message, index) => entry(index, message))
    assert.deepStrictEqual(LogPack.pack(entries)(), entries)
    assert.deepStrictEqual(LogPack.pack([])(), [])
  })
})

describe("a spool", () => {
  it("gives back what it was given, in order, whatever it packed meanwhile", () => {
    let packs = 0
    let stuck = false
    const spool = Spool.make<Entry>((entries) => {
      packs++
      return LogPack.pack(entries)
    }, () => stuck)
    const expected: Array<Entry> = []
    let order = 0
    for (let round = 0; round < 60; round++) {
      stuck = round % 3 === 1
      for (let index = 0; index < 1_500; index++) {
        const value = entry(++order, "x".repeat(order % 700))
        spool.push(value)
        expected.push(value)
      }
      for (let index = 0; index < round * 40; index++) {
        assert.deepStrictEqual(spool.peek(), expected[0])
        assert.deepStrictEqual(spool.shift(), expected.shift())
      }
      assert.strictEqual(spool.size(), expected.length)
    }
    assert.isAbove(packs, 10)
    for (const value of expected) assert.deepStrictEqual(spool.shift(), value)
    assert.deepStrictEqual([spool.peek(), spool.shift(), spool.size()], [undefined, undefined, 0])
  })
})
