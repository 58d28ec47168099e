import { describe, it } from "@effect/vitest"
import {
  Arbitrary,
  Cause,
  Chunk,
  Data,
  Effect,
  Exit,
  HashMap,
  Option,
  Redactable,
  Redacted,
  Result,
  Schema
} from "effect"
import { assert } from "vitest"
import { encode, encodeEvent, encodeString, encodeTimestamp, type LogEntry } from "../../src/services/LogEncoder.ts"

const line = (entry: Partial<LogEntry>) => encode({ timestamp: 0, level: "Info", message: "hello", ...entry })

const isWellFormed = (text: string) => Buffer.from(text).toString() === text

const parsed = (entry: Partial<LogEntry>): Record<string, unknown> => {
  const text = line(entry)
  assert.notMatch(text, /[\r\n]/)
  assert.isTrue(isWellFormed(text))
  return JSON.parse(text) as Record<string, unknown>
}

const value = (value: unknown) => parsed({ annotations: { value } })["value"]

const throwing = (): never => {
  throw new Error("thrown by the value")
}

const hostileProxy = () =>
  new Proxy({}, {
    get: throwing,
    has: throwing,
    ownKeys: throwing,
    getPrototypeOf: throwing,
    getOwnPropertyDescriptor: throwing
  })

const revokedProxy = () => {
  const { proxy, revoke } = Proxy.revocable([], {})
  revoke()
  return proxy
}

class Card implements Redactable.Redactable {
  [Redactable.symbolRedactable]() {
    return "<card>"
  }
  readonly number = "hunter2"
  readonly message = "hunter2"
}

class NotFound extends Data.TaggedError("NotFound")<{ readonly id: number }> {}

describe("LogEncoder", () => {
  describe("an entry", () => {
    it("has its keys in a fixed order", () => {
      assert.strictEqual(
        line({
          timestamp: Date.UTC(2026, 10, 23, 12, 0, 0, 7),
          level: "Warn",
          annotations: { b: 1, a: "x" },
          traceId: "t",
          spanId: "s",
          spans: [["inner", Date.UTC(2026, 10, 23, 12)], ["outer", Date.UTC(2026, 10, 23, 11, 59, 59)]]
        }),
        `{"timestamp":"2026-11-23T12:00:00.007Z","level":"WARN","message":"hello","trace_id":"t","span_id":"s",` +
          `"b":1,"a":"x","spans":{"inner":7,"outer":1007}}`
      )
    })

    it("has its own time and level, however soon it follows another", () => {
      for (const [timestamp, level] of [[1, "Info"], [1, "Warn"], [1, "Warn"], [2, "Warn"], [1, "Info"]] as const) {
        assert.deepInclude(parsed({ timestamp, level }), {
          timestamp: `1970-01-01T00:00:00.00${timestamp}Z`,
          level: level.toUpperCase()
        })
      }
    })

    it("may have a value that logs as it is read", () => {
      const inner = encodeEvent({ timestamp: 0, level: "Info", message: "grüße" })
      const outer = encodeEvent({
        timestamp: 0,
        level: "Info",
        message: "outer",
        annotations: { value: { toJSON: () => encodeEvent({ timestamp: 0, level: "Info", message: "in" }).bytes } }
      })
      assert.isUndefined(inner.bytes)
      assert.strictEqual(outer.bytes, Buffer.byteLength(outer.line))
      const greeting = { toJSON: () => encodeEvent({ timestamp: 0, level: "Info", message: "in" }).bytes }
      const mixed = encodeEvent({ timestamp: 0, level: "Info", message: "grüße", annotations: { greeting } })
      assert.isUndefined(mixed.bytes)
    })

    it("says nothing of what there is not", () => {
      assert.strictEqual(
        line({ annotations: {}, spans: [], cause: Cause.empty }),
        `{"timestamp":"1970-01-01T00:00:00.000Z","level":"INFO","message":"hello"}`
      )
    })

    it("gives annotations that are named like its own keys a trailing underscore", () => {
      const { level, level_, level__, message_ } = parsed({ annotations: { level: 1, level_: 2, message: 3 } })
      assert.deepStrictEqual([level, level_, level__, message_], ["INFO", 2, 1, 3])
    })

    it("keeps the innermost of log spans with the same name", () => {
      assert.deepStrictEqual(parsed({ timestamp: 9, spans: [["a", 8], ["a", 0]] })["spans"], { a: 1 })
    })

    it("treats __proto__ as any other name", () => {
      const own = JSON.parse(`{"__proto__":1}`) as object
      assert.include(line({ annotations: { value: own } }), `"value":{"__proto__":1}`)
      assert.include(line({ message: [own] }), `"__proto__":1`)
    })

    it("survives annotations that cannot be listed", () => {
      assert.strictEqual(parsed({ annotations: hostileProxy() })["message"], "[unreadable]")
    })
  })

  describe("a message", () => {
    it("joins strings and scalars with spaces", () => {
      assert.strictEqual(
        parsed({ message: ["a", "b", 1, true, null, undefined, 2n] })["message"],
        "a b 1 true null undefined 2"
      )
    })

    it("takes plain objects as fields, over the annotations", () => {
      const { message, order, user } = parsed({
        message: ["paid", { order: 1 }],
        annotations: { order: 0, user: "ann" }
      })
      assert.deepStrictEqual({ message, order, user }, { message: "paid", order: 1, user: "ann" })
    })

    it("shows other objects in place", () => {
      assert.strictEqual(
        parsed({ message: ["got", Option.some(1), [1, "a"], new Date(0), Redacted.make("hunter2")] })["message"],
        `got {"_id":"Option","_tag":"Some","value":1} [1,"a"] 1970-01-01T00:00:00.000Z <redacted>`
      )
    })

    it("takes errors as its cause", () => {
      const { cause, error, message } = parsed({ message: ["failed", new TypeError("boom")] })
      assert.strictEqual(message, "failed")
      assert.strictEqual(error, "TypeError")
      assert.match(String(cause), /^TypeError: boom\n {4}at /)
    })

    it("is the first line of the cause when there is no other", () => {
      assert.strictEqual(parsed({ message: [], cause: Cause.fail(new Error("boom\nmore")) })["message"], "Error: boom")
      assert.strictEqual(parsed({ message: [new NotFound({ id: 1 })] })["message"], "NotFound")
    })

    it("survives arguments that cannot be read", () => {
      assert.strictEqual(
        parsed({ message: ["a", hostileProxy(), revokedProxy(), "b"] })["message"],
        "a [unreadable] [unreadable] b"
      )
    })

    it("survives an argument whose fields cannot be listed, alone", () => {
      for (const trap of ["ownKeys", "getOwnPropertyDescriptor"] as const) {
        const hostile = new Proxy({ a: 1 }, { [trap]: throwing })
        for (const message of [["paid", hostile, { order: 17 }], ["paid", { order: 17 }, hostile]]) {
          assert.deepInclude(parsed({ message, annotations: { user: "ann" } }), {
            message: "paid [unreadable]",
            user: "ann",
            order: 17
          })
        }
      }
    })
  })

  describe("a cause", () => {
    it("is pretty, with the tag of what failed", () => {
      const { cause, error } = parsed({ cause: Cause.fail(new NotFound({ id: 1 })) })
      assert.strictEqual(error, "NotFound")
      assert.match(String(cause), /^NotFound/)
    })

    it("names what has no tag by its reason", () => {
      assert.strictEqual(parsed({ cause: Cause.fail("text") })["error"], "Fail")
      assert.strictEqual(parsed({ cause: Cause.die(3) })["error"], "Die")
      assert.strictEqual(parsed({ cause: Cause.interrupt(1) })["error"], "Interrupt")
      assert.strictEqual(parsed({ cause: Cause.die({ _tag: "Odd" }) })["error"], "Odd")
    })

    it("prefers the failure over defects", () => {
      const cause = Cause.combine(Cause.die(new RangeError("defect")), Cause.fail(new NotFound({ id: 1 })))
      assert.strictEqual(parsed({ cause })["error"], "NotFound")
    })

    it("is cut when what failed is nested too deep or holds too much", () => {
      let wide: unknown = 1
      for (let level = 0; level < 40; level++) wide = [wide, wide]
      let chain = new Error("innermost")
      for (let level = 0; level < 1_000; level++) chain = new Error("outer", { cause: chain })
      for (const failure of [wide, new Error("wide", { cause: wide }), chain]) {
        assert.isBelow(line({ cause: Cause.fail(failure) }).length, 200_000)
        assert.isBelow(line({ annotations: { failure } }).length, 200_000)
      }
    })

    it("shows what failed with a value as that value", () => {
      assert.strictEqual(parsed({ cause: Cause.fail({ a: 1 }) })["cause"], `Error: {"a":1}`)
      assert.match(
        String(parsed({ cause: Cause.fail(new Error("outer", { cause: { a: 1 } })) })["cause"]),
        /^Error: outer\n {4}at [^]*\[cause\]: Error: \{"a":1\}/
      )
    })

    it("survives failures that cannot be read", () => {
      for (
        const failure of [hostileProxy(), revokedProxy(), {
          get message() {
            return throwing()
          }
        }, Object.create(null)]
      ) {
        const { error, message } = parsed({ cause: Cause.fail(failure) })
        assert.strictEqual(message, "hello")
        assert.strictEqual(error, "Fail")
      }
    })
  })

  describe("a value", () => {
    it("is null or text when JSON has no word for it", () => {
      assert.deepStrictEqual(
        value([
          undefined,
          null,
          Number.NaN,
          Infinity,
          -Infinity,
          12n,
          Symbol("s"),
          function named() {},
          new Date(Number.NaN)
        ]),
        [null, null, "NaN", "Infinity", "-Infinity", "12", "Symbol(s)", "[Function named]", "Invalid Date"]
      )
      assert.isFalse("value" in parsed({ annotations: { value: undefined } }))
      assert.deepStrictEqual(value({ gone: undefined }), {})
    })

    it("escapes what JSON must, lone surrogates included", () => {
      assert.strictEqual(value("\"\\\u0000\n\ud83d\ude00"), "\"\\\u0000\n\ud83d\ude00")
      assert.strictEqual(encodeString("a\ud800b"), `"a\\ud800b"`)
      assert.strictEqual(encodeString(`${"x".repeat(200)}\udc00`), `"${"x".repeat(200)}\\udc00"`)
    })

    it("may be a map, a set, a list or another Effect data type", () => {
      assert.deepStrictEqual(value(new Map([["a", 1]])), { a: 1 })
      assert.deepStrictEqual(value(new Map<unknown, unknown>([[1, "a"], ["1", "b"]])), [[1, "a"], ["1", "b"]])
      assert.deepStrictEqual(value(new Set([1, "a"])), [1, "a"])
      assert.deepStrictEqual(value(Option.some(1)), { _id: "Option", _tag: "Some", value: 1 })
      assert.deepStrictEqual(value(Option.none()), { _id: "Option", _tag: "None" })
      assert.deepStrictEqual(value(Result.succeed(1)), { _id: "Result", _tag: "Success", success: 1 })
      assert.deepStrictEqual(value(Result.fail("no")), { _id: "Result", _tag: "Failure", failure: "no" })
      assert.deepStrictEqual(value(Chunk.make(1, 2)), { _id: "Chunk", values: [1, 2] })
      assert.deepStrictEqual(value(HashMap.make(["a", 1])), { _id: "HashMap", values: [["a", 1]] })
      assert.deepStrictEqual(value(Exit.succeed(1)), { _id: "Exit", _tag: "Success", value: 1 })
      assert.propertyVal(value(Effect.succeed(1)) as object, "_id", "Exit")
    })

    it("names binary data", () => {
      assert.strictEqual(value(new Uint8Array(3)), "[Uint8Array of 3 bytes]")
      assert.strictEqual(value(Buffer.from("secret")), "[Buffer of 6 bytes]")
    })

    it("shows errors with name, message, stack, cause and fields", () => {
      const error = value(Object.assign(new TypeError("boom", { cause: new Error("inner") }), { code: "E1" }))
      assert.deepInclude(error as object, { name: "TypeError", message: "boom", code: "E1" })
      assert.nestedPropertyVal(error as object, "cause.message", "inner")
      assert.nestedProperty(error as object, "cause.stack")
      assert.deepInclude(value(new NotFound({ id: 7 })) as object, { _tag: "NotFound", id: 7 })
    })

    it("shows the errors that one is made of, at any depth", () => {
      const error = new AggregateError([new Error("disk full"), "timeout"], "all failed")
      const shown = { name: "AggregateError", message: "all failed", errors: [{ message: "disk full" }, "timeout"] }
      const { value, deep } = parsed({ message: ["m", { value: error, deep: new Error("no", { cause: error }) }] })
      // Without the stacks, which differ.
      const simple = (given: unknown) =>
        JSON.parse(
          JSON.stringify(given, (key, value: unknown) => key === "stack" || value === "Error" ? undefined : value)
        )
      assert.deepStrictEqual(simple(value), shown)
      assert.deepStrictEqual(simple(deep), { message: "no", cause: shown })
    })

    it("says where it is circular, and repeats what is only shared", () => {
      const loop: Record<string, unknown> = { name: "loop" }
      loop["self"] = loop
      const shared = { a: 1 }
      assert.deepStrictEqual(value(loop), { name: "loop", self: "[Circular]" })
      assert.deepStrictEqual(value([shared, shared]), [shared, shared])
      let loops: Array<unknown> = []
      for (let level = 0; level < 4; level++) {
        loops = [loops]
        loops.push(loops)
      }
      assert.nestedPropertyVal(value(Option.some(loops)) as object, "value.1", "[Circular]")
      const error = new Error("loop")
      error.cause = error
      assert.propertyVal(value(error) as object, "cause", "[Circular]")
    })

    it("says what threw", () => {
      assert.deepStrictEqual(
        value({
          a: 1,
          get b() {
            return throwing()
          }
        }),
        { a: 1, b: "[getter threw]" }
      )
      assert.strictEqual(value({ secret: 1, toJSON: throwing }), "[toJSON threw]")
      assert.strictEqual(value(hostileProxy()), "[unreadable]")
      assert.strictEqual(value(revokedProxy()), "[unreadable]")
      assert.deepStrictEqual(
        value({
          toJSON() {
            return this
          },
          a: 1
        }),
        { toJSON: "[Function toJSON]", a: 1 }
      )
    })

    it("is cut when it is nested too deep or holds too much", () => {
      let deep: unknown = "end"
      for (let level = 0; level < 50; level++) deep = { deep }
      assert.include(JSON.stringify(value(deep)), "\"[Object]\"")
      assert.isAtMost((value(Array.from({ length: 20_000 }, (_, n) => n)) as Array<unknown>).length, 10_001)
      let wide: unknown = 1
      for (let level = 0; level < 9; level++) wide = Array.from({ length: 20 }, () => wide)
      assert.isBelow(JSON.stringify(value(wide)).length, 200_000)
    })

    it("stays redacted at any depth", () => {
      const secret = Redacted.make("hunter2")
      const values = [
        secret,
        new Card(),
        [{ secret, card: new Card() }],
        new Map<unknown, unknown>([["a", secret], [secret, new Card()]]),
        new Set([secret, new Card()]),
        Option.some(secret),
        Exit.succeed(secret),
        Exit.fail(new Card()),
        Object.assign(new Error("e", { cause: secret }), { secret, card: new Card() }),
        { toJSON: () => ({ secret, card: new Card() }) },
        {
          get secret() {
            return new Card()
          }
        }
      ]
      for (const value of values) {
        for (
          const entry of [
            { annotations: { value } },
            { message: value },
            { message: ["a", value, { value }] },
            { cause: Cause.fail(value) },
            { cause: Cause.die(value) }
          ]
        ) {
          assert.notInclude(line(entry), "hunter2", Object.keys(entry).join())
        }
      }
      assert.strictEqual(value(secret), "<redacted>")
      assert.strictEqual(value(new Card()), "<card>")
    })
  })

  describe("a timestamp", () => {
    it.prop(
      "is what Date says",
      [Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: -8.64e15, maximum: 8.64e15 })))],
      ([time]) => {
        assert.strictEqual(encodeTimestamp(time), new Date(time).toISOString())
        assert.strictEqual(encodeTimestamp(Math.abs(time) % 4e12), new Date(Math.abs(time) % 4e12).toISOString())
      }
    )

    it("is the epoch when there is no such date", () => {
      for (const time of [Number.NaN, Infinity, 9e15]) {
        assert.strictEqual(encodeTimestamp(time), "1970-01-01T00:00:00.000Z")
      }
      assert.strictEqual(encodeTimestamp(1.9), "1970-01-01T00:00:00.001Z")
    })
  })

  const units = Arbitrary.array(Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff }))))
  const anyText = Arbitrary.map(units, (units) => String.fromCharCode(...units))

  it.prop("gives back any text", [anyText, anyText], ([text, key]) => {
    const known = parsed({ message: text, annotations: { [`_${key}`]: text }, traceId: text, spanId: text })
    assert.strictEqual(known["message"], text)
    assert.strictEqual(known["trace_id"], text)
    assert.strictEqual(known[`_${key}`], text)
    assert.isTrue(isWellFormed(encodeString(text + text.repeat(50))))
  })

  it.prop("gives back plain values", [Arbitrary.schema(Schema.Json)], ([json]) => {
    assert.deepStrictEqual(value(json), JSON.parse(JSON.stringify(json)))
  })

  // bound here: Effect shows functions by their source
  const top = Redacted.make("TOP")
  const leaves: ReadonlyArray<() => unknown> = [
    () => undefined,
    () => Number.NaN,
    () => 1n,
    () => Symbol.iterator,
    () => throwing,
    () => new Date(Number.NaN),
    () => "\ud800\n\"",
    () => top,
    () => Object.assign(new Card(), { number: "TOP", message: "TOP" }),
    () => new Error("e\n", { cause: top }),
    () => new NotFound({ id: 1 }),
    hostileProxy,
    revokedProxy,
    () => ({ toJSON: throwing }),
    () => ({ toJSON: () => top }),
    () => Object.create(null) as unknown,
    () => ({
      get a() {
        return throwing()
      },
      ["\n"]: 1
    }),
    () => new Uint8Array(2),
    () => Cause.fail(top),
    () => Effect.fail(1),
    () => Schema.String
  ]
  const wraps: ReadonlyArray<(inner: unknown, more: unknown) => unknown> = [
    (inner, more) => [inner, more],
    (inner, more) => ({ inner, more, ["__proto__"]: inner }),
    (inner, more) => new Map([[inner, more]]),
    (inner, more) => new Set([inner, more]),
    (inner) => Option.some(inner),
    (inner) => new Error("wrapped", { cause: inner }),
    (inner) => Cause.die(inner),
    (inner) => ({ toJSON: () => inner }),
    (inner) => {
      const loop: Array<unknown> = [inner]
      loop.push(loop)
      return loop
    }
  ]
  const hostile = Arbitrary.map(units, (choices) =>
    choices.reduce<unknown>((inner, choice) => {
      const leaf = leaves[choice % leaves.length]!()
      return wraps[(choice >> 6) % wraps.length]!(inner, leaf)
    }, "leaf"))

  it.prop(
    "gives one valid JSON line and no secret, whatever is logged",
    [hostile, hostile],
    ([first, second]) => {
      for (
        const entry of [
          { annotations: { first, second } },
          { message: [first, "text", second] },
          { message: first },
          { cause: Cause.fromReasons([Cause.makeFailReason(first), Cause.makeDieReason(second)]) }
        ]
      ) {
        parsed(entry)
        assert.notInclude(line(entry), "TOP")
      }
    },
    { arbitrary: { runs: 300 } }
  )
})
