import { describe, it } from "@effect/vitest"
import { Arbitrary, Redactable, Redacted, Schema } from "effect"
import { assert } from "vitest"
import { encode, encodeEvent, type LogEntry } from "../../src/services/LogEncoder.ts"

const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000)

const line = (entry: Partial<LogEntry>) => encode({ timestamp: 0, level: "Info", message: "m", ...entry })

const before = `{"timestamp":"1970-01-01T00:00:00.000Z","level":"INFO","message":"m"`

/** What is written after the message. */
const fieldsOf = (entry: Partial<LogEntry>) => line(entry).slice(before.length)

class Card implements Redactable.Redactable {
  [Redactable.symbolRedactable]() {
    return "<card>"
  }
  readonly number = "hunter2"
}

describe("fields that are logged again", () => {
  it("are read again: a changed, added, removed or renamed one is seen", () => {
    const annotations: Record<string, unknown> = { user: "ann", order: 1 }
    const now = () => fieldsOf({ annotations })
    for (let time = 0; time < 3; time++) assert.strictEqual(now(), `,"user":"ann","order":1}`)
    annotations["order"] = 2
    for (let time = 0; time < 3; time++) assert.strictEqual(now(), `,"user":"ann","order":2}`)
    annotations["cached"] = false
    for (let time = 0; time < 3; time++) assert.strictEqual(now(), `,"user":"ann","order":2,"cached":false}`)
    delete annotations["cached"]
    for (let time = 0; time < 3; time++) assert.strictEqual(now(), `,"user":"ann","order":2}`)
    delete annotations["order"]
    annotations["item"] = 2
    for (let time = 0; time < 3; time++) assert.strictEqual(now(), `,"user":"ann","item":2}`)
    annotations["user"] = undefined
    for (let time = 0; time < 3; time++) assert.strictEqual(now(), `,"item":2}`)
  })

  it("may be other objects that look alike, or the same ones in turn", () => {
    const one = { user: "ann", order: 1 }
    const other = { user: "ann", order: 2 }
    for (let time = 0; time < 4; time++) {
      assert.strictEqual(fieldsOf({ annotations: one }), `,"user":"ann","order":1}`)
      assert.strictEqual(fieldsOf({ annotations: { ...one } }), `,"user":"ann","order":1}`)
      assert.strictEqual(fieldsOf({ annotations: other }), `,"user":"ann","order":2}`)
      assert.strictEqual(fieldsOf({ message: ["m", other], annotations: {} }), `,"user":"ann","order":2}`)
    }
  })

  it("tell values apart that are alike as text", () => {
    for (const value of [1, "1", true, "true", null, "null", 0, -0, Number.NaN, "NaN", 1n, "", "x", undefined, "y"]) {
      for (let time = 0; time < 3; time++) {
        const { value: written } = JSON.parse(line({ annotations: { value } })) as { readonly value?: unknown }
        const isText = typeof value === "bigint" || Number.isNaN(value)
        assert.deepStrictEqual(written, isText ? String(value) : Object.is(value, -0) ? 0 : value)
      }
    }
  })

  it("are read again where they hold objects, which may have changed inside", () => {
    const item = { left: 1 }
    const list = [1]
    const annotations = { item, list }
    for (let left = 1; left < 5; left++) {
      item.left = left
      list[0] = left
      assert.strictEqual(fieldsOf({ annotations }), `,"item":{"left":${left}},"list":[${left}]}`)
      assert.strictEqual(fieldsOf({ annotations }), `,"item":{"left":${left}},"list":[${left}]}`)
    }
  })

  it("stay redacted, whatever the value before was", () => {
    const annotations: Record<string, unknown> = { password: "shown" }
    for (let time = 0; time < 3; time++) fieldsOf({ annotations })
    annotations["password"] = Redacted.make("hunter2")
    for (let time = 0; time < 3; time++) assert.strictEqual(fieldsOf({ annotations }), `,"password":"<redacted>"}`)
    annotations["password"] = new Card()
    for (let time = 0; time < 3; time++) assert.strictEqual(fieldsOf({ annotations }), `,"password":"<card>"}`)
    annotations["password"] = "shown"
    assert.strictEqual(fieldsOf({ annotations }), `,"password":"shown"}`)
  })

  it("are asked again where they are computed, and may throw at any time", () => {
    let asked = 0
    const annotations = {
      get count() {
        if (++asked > 8 && asked < 14) throw new Error("thrown by the value")
        return Math.floor(asked / 5)
      }
    }
    const seen = Array.from(
      { length: 12 },
      () => (JSON.parse(line({ annotations })) as { readonly count: unknown }).count
    )
    assert.isAbove(new Set(seen).size, 2)
    assert.include(seen, "[getter threw]")
  })

  it("are those of the object alone, not of its prototype", () => {
    const annotations = Object.assign(Object.create({ inherited: 1 }) as Record<string, unknown>, { own: 2 })
    for (let time = 0; time < 3; time++) assert.strictEqual(fieldsOf({ annotations }), `,"own":2}`)
  })

  it("are renamed with regard to all fields of the line", () => {
    const annotations = { level: 1 }
    for (let time = 0; time < 3; time++) {
      assert.strictEqual(fieldsOf({ annotations }), `,"level_":1}`)
      assert.strictEqual(fieldsOf({ annotations, message: ["m", { level_: 2 }] }), `,"level__":1,"level_":2}`)
      assert.strictEqual(fieldsOf({ annotations, message: ["m", { level: 3 }] }), `,"level_":3}`)
      assert.strictEqual(
        fieldsOf({ message: ["m", { level: 3 }], annotations: { level_: 4 } }),
        `,"level_":4,"level__":3}`
      )
    }
  })

  it("of an argument come after the annotations, in place of those with the same name", () => {
    const annotations = { a: 1, b: 2 }
    for (let time = 0; time < 3; time++) {
      assert.strictEqual(fieldsOf({ annotations, message: ["m", { c: 3 }] }), `,"a":1,"b":2,"c":3}`)
      assert.strictEqual(fieldsOf({ annotations, message: ["m", { c: 3, a: 4 }] }), `,"a":4,"b":2,"c":3}`)
      assert.strictEqual(fieldsOf({ annotations, message: ["m", { a: undefined }] }), `,"a":1,"b":2}`)
      assert.strictEqual(
        fieldsOf({ annotations, message: [{ c: 3 }, "m", { d: 4 }, { c: 5, b: 6 }] }),
        `,"a":1,"b":6,"c":5,"d":4}`
      )
    }
  })
})

const value = Arbitrary.map(
  Arbitrary.all([
    Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 24 }))),
    Arbitrary.schema(Schema.String)
  ]),
  ([choice, text]): unknown =>
    [
      text,
      "a",
      "b",
      "grüße",
      "\"",
      "x".repeat(60),
      "ß".repeat(60),
      "y".repeat(400),
      1,
      2,
      1.5,
      true,
      false,
      null,
      undefined,
      { a: "日本語" },
      [1, text],
      "\ud800"
    ][choice]
)

const entry = Arbitrary.all({
  keys: Arbitrary.array(Arbitrary.schema(Schema.Literals(["a", "b", "c", "ü", "level", "level_", "__proto__"])), {
    maxLength: 5
  }),
  values: Arbitrary.array(value, { minLength: 5, maxLength: 5 }),
  message: value
})

const own = (keys: ReadonlyArray<string>, values: ReadonlyArray<unknown>) =>
  Object.fromEntries(keys.map((key, index) => [key, values[index]]))

describe(`any fields (seed ${seed})`, () => {
  it.prop(
    "are what they are whatever was logged before, and the bytes are counted right",
    [Arbitrary.array(entry, { maxLength: 12 })],
    ([entries]) => {
      for (const { keys, message, values } of entries) {
        const annotations = own(keys.slice(0, 3), values)
        const argument = own(keys.slice(3), values.slice(3))
        for (let time = 0; time < 3; time++) {
          const event = encodeEvent({ timestamp: 7, level: "Warn", message: [message, argument], annotations })
          const expected: Record<string, unknown> = Object.create(null)
          for (const fields of [annotations, argument]) {
            for (const key of Object.keys(fields)) if (fields[key] !== undefined) expected[key] = fields[key]
          }
          if (Object.hasOwn(expected, "level")) {
            expected[Object.hasOwn(expected, "level_") ? "level__" : "level_"] = expected["level"]
            delete expected["level"]
          }
          const { level, message: _, timestamp, ...fields } = JSON.parse(event.line) as Record<string, unknown>
          assert.deepStrictEqual([timestamp, level], ["1970-01-01T00:00:00.007Z", "WARN"])
          if (typeof message !== "object") {
            assert.deepStrictEqual({ ...fields }, JSON.parse(JSON.stringify({ ...expected })))
          }
          if (event.bytes !== undefined) assert.strictEqual(event.bytes, Buffer.byteLength(event.line))
          if (!/[^\0-\x7f]|\\/.test(event.line) && event.line.length < 150) assert.isDefined(event.bytes)
        }
      }
    },
    { arbitrary: { runs: 400, seed } }
  )
})

describe("fields", () => {
  it("may have more names than are remembered", () => {
    for (let round = 0; round < 2; round++) {
      for (let index = 0; index < 3_000; index++) {
        assert.strictEqual(fieldsOf({ annotations: { [`n${index}`]: index } }), `,"n${index}":${index}}`)
      }
    }
  })
})
