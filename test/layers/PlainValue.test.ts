import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Schema } from "effect"
import * as PlainValue from "../../src/layers/PlainValue.ts"
import { outcome } from "../utils/outcome.ts"

const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000)

const text = Schema.Struct({ a: Schema.String })
const short = Schema.String.pipe(Schema.check(Schema.isMaxLength(2)))

const plain: Readonly<Record<string, Schema.Top>> = {
  "a text": Schema.String,
  "a text with a check": short,
  "a number": Schema.Finite,
  "a whole number within bounds": Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 1, maximum: 3 }))),
  "a truth value": Schema.Boolean,
  "a literal": Schema.Literals(["a", 1, true]),
  "perhaps a text": Schema.NullOr(short),
  "a list": Schema.Array(Schema.Finite),
  "a struct": Schema.Struct({
    a: Schema.String,
    b: Schema.optionalKey(Schema.Array(text)),
    c: Schema.optionalKey(text)
  }),
  "a struct of optional keys": Schema.Struct({ b: Schema.optionalKey(Schema.Int), a: Schema.optionalKey(Schema.Int) }),
  "a struct with a check": Schema.Struct({ a: Schema.Int, b: Schema.Int }).pipe(
    Schema.check(Schema.makeFilter(({ a, b }) => a < b))
  ),
  "a struct of texts": Schema.Struct({ c: Schema.optionalKey(Schema.String), a: Schema.String, b: short }),
  "an annotated struct": text.pipe(Schema.annotate({ title: "Text" }))
}

const other: Readonly<Record<string, Schema.Top>> = {
  "a number that is a text": Schema.FiniteFromString,
  "a struct with one": Schema.Struct({ a: Schema.FiniteFromString }),
  "a list of them": Schema.Array(Schema.FiniteFromString),
  "a record": Schema.Record(Schema.String, Schema.String),
  "a pair": Schema.Tuple([Schema.String, Schema.String]),
  "one struct or another": Schema.Union([text, Schema.Struct({ b: Schema.String })]),
  "exactly one": Schema.Union([Schema.String, short], { mode: "oneOf" }),
  "a class": class Text extends Schema.Class<Text>("Text")({ a: Schema.String }) {},
  "a struct without keys": Schema.Struct({}),
  "anything": Schema.Unknown,
  "a default": Schema.Struct({ a: Schema.String.pipe(Schema.withDecodingDefaultKey(Effect.succeed("x"))) }),
  "a struct and no other keys": text.pipe(Schema.annotate({ parseOptions: { onExcessProperty: "error" } }))
}

const Scalar = Schema.Union([Schema.String, Schema.Literals(["a", "b"]), Schema.Number, Schema.Boolean, Schema.Null])
const Inner = Schema.Union([Scalar, Schema.Array(Scalar), Schema.Record(Schema.Literals(["a", "b"]), Scalar), text])
const Input = Schema.Union([
  Inner,
  Schema.Array(Inner),
  Schema.Struct({ c: Schema.optionalKey(Inner), a: Schema.optionalKey(Inner), b: Schema.optionalKey(Inner) }),
  Schema.Struct({ a: Schema.optionalKey(Inner), b: Schema.optionalKey(Inner), c: Schema.optionalKey(Inner) })
])

describe("a plain value", () => {
  for (const [name, schema] of Object.entries(plain)) {
    it.effect(`is what its schema makes of it, decoded and encoded: ${name} (seed ${seed})`, () =>
      Effect.gen(function*() {
        const isPlain = PlainValue.make(schema)
        const encode = PlainValue.encoder(schema)
        assert.isDefined(isPlain)
        const check = (input: unknown) =>
          Effect.gen(function*() {
            assert.strictEqual(encode(input), isPlain(input) ? JSON.stringify(input) : undefined)
            if (!isPlain(input)) return true
            assert.strictEqual(yield* outcome(Schema.decodeUnknownEffect(schema)(input)), JSON.stringify(input))
            assert.strictEqual(yield* outcome(Schema.encodeUnknownEffect(schema)(input)), JSON.stringify(input))
            return true
          })
        const strange = yield* Arbitrary.checkEffect(Arbitrary.schema(Input), check, { seed, runs: 1000 })
        assert.isUndefined(Arbitrary.formatCheckFailure(strange))
        const own = yield* Arbitrary.checkEffect(
          Arbitrary.schema(schema as Schema.Codec<unknown>),
          (input) =>
            Effect.map(
              outcome(Schema.decodeUnknownEffect(schema)(input)),
              (text) => isPlain(JSON.parse(text))
            ),
          { seed, runs: 500 }
        )
        assert.isUndefined(Arbitrary.formatCheckFailure(own))
      }))
  }

  for (const [name, schema] of Object.entries(other)) {
    it(`is not told of ${name}`, () => {
      assert.isUndefined(PlainValue.make(schema))
    })
  }

  it("has nothing from elsewhere, and its keys in order", () => {
    const isPlain = PlainValue.make(plain["a struct"]!)!
    assert.isTrue(isPlain({ a: "", c: { a: "" } }))
    assert.isFalse(isPlain({ c: { a: "" }, a: "" }))
    assert.isFalse(isPlain({ a: "", d: "" }))
    assert.isFalse(isPlain({ a: "", b: undefined }))
    assert.isFalse(isPlain(Object.assign(Object.create({ toJSON: () => 1 }) as object, { a: "" })))
    assert.isFalse(isPlain({ a: "", b: Object.setPrototypeOf([], { toJSON: () => 1 }) as unknown }))
    assert.isFalse(PlainValue.make(Schema.Number)?.(Number.NaN))
  })
})
