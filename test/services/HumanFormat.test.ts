import { assert, describe, it } from "@effect/vitest"
import * as Human from "../../src/services/HumanFormat.ts"

describe("numbers for people", () => {
  it("are short", () => {
    assert.deepStrictEqual(
      [0, 7, 1 / 3, 12.345, 123.45, -0.5, 12_345, 1e7, 2.5e9].map(Human.number),
      ["0", "7", "0.333", "12.3", "123", "-0.5", "12345", "10 M", "2.5 G"]
    )
    assert.deepStrictEqual([1e17, 1e20, 1e308].map(Human.number), ["100000 T", "1.00e+8 T", "1.00e+296 T"])
    assert.deepStrictEqual([0, 999, 100_300, 2 ** 53].map(Human.integer), [
      "0",
      "999",
      "100,300",
      "9007 T"
    ])
    assert.deepStrictEqual([0, 512, 1536, 48 * 2 ** 20].map(Human.bytes), ["0 B", "512 B", "1.5 KiB", "48 MiB"])
    assert.deepStrictEqual([0, 0.00012, 0.034, 0.5, 1.2].map(Human.percent), [
      "0 %",
      "0.012 %",
      "3.4 %",
      "50 %",
      "120 %"
    ])
  })

  it("tell durations in units that fit", () => {
    assert.deepStrictEqual(
      [0, 0.000_012, 0.0034, 1.2345, 119, 7260].map(Human.latency),
      ["0 ms", "12 µs", "3.4 ms", "1.23 s", "119 s", "2 h 1 min"]
    )
    assert.deepStrictEqual(
      [0, 59.9, 60, 125, 3600, 90_123, 86_400 * 3 + 59].map(Human.seconds),
      ["0 s", "59 s", "1 min", "2 min 5 s", "1 h", "1 d 1 h", "3 d"]
    )
    assert.strictEqual(Human.timeOfDay("2026-11-24T01:02:03.004Z", { milliseconds: true }), "01:02:03.004")
    assert.strictEqual(Human.timeOfDay("2026-11-24T01:02:03.004Z", { milliseconds: false }), "01:02:03")
  })

  it("say where there is none", () => {
    assert.deepStrictEqual([Human.number, Human.latency, Human.percent].map((format) => format(NaN)), ["–", "–", "–"])
  })
})
