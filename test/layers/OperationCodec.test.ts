import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Exit, Schema } from "effect"
import * as OperationCodec from "../../src/layers/OperationCodec.ts"
import { outcome } from "../utils/outcome.ts"

const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000)

const Value = Schema.Union([
  Schema.String,
  Schema.Int,
  Schema.Null,
  Schema.Boolean,
  Schema.Array(Schema.String),
  Schema.Struct({ a: Schema.String })
])

const Input = Schema.Union([
  Value,
  Schema.Struct({
    a: Schema.optionalKey(Value),
    b: Schema.optionalKey(Value),
    other: Schema.optionalKey(Value)
  })
])

const texts = Schema.Struct({ a: Schema.String, b: Schema.String })

const schemas: Readonly<Record<string, Schema.Top>> = {
  "two texts": texts,
  "one text": Schema.Struct({ a: Schema.String }),
  "no text": Schema.Struct({}),
  "a text that may be missing": Schema.Struct({ a: Schema.String, b: Schema.optionalKey(Schema.String) }),
  "a text with a check": Schema.Struct({ a: Schema.String.pipe(Schema.check(Schema.isMinLength(3))) }),
  "a text that is a number": Schema.Struct({ a: Schema.FiniteFromString }),
  "texts with a check of all": texts.pipe(Schema.check(Schema.makeFilter(({ a, b }) => a < b))),
  "texts and no others": texts.pipe(Schema.annotate({ parseOptions: { onExcessProperty: "error" } }))
}

describe("a codec of a slot", () => {
  for (const [name, schema] of Object.entries(schemas)) {
    it.effect(`decodes as the schema itself: ${name} (seed ${seed})`, () =>
      Effect.gen(function*() {
        const decode = OperationCodec.decoder("Params", schema)
        const reference = Schema.decodeUnknownEffect(schema)
        const result = yield* Arbitrary.checkEffect(Arbitrary.schema(Input), (input) =>
          Effect.gen(function*() {
            assert.strictEqual(yield* outcome(decode(input)), yield* outcome(reference(input)))
            return true
          }), { seed, runs: 2000 })
        assert.isUndefined(Arbitrary.formatCheckFailure(result))
      }))
  }

  it.effect("leaves out what is not declared, and does not touch what is given", () =>
    Effect.gen(function*() {
      const input = { a: "1", b: "2", c: "3" }
      const decoded = yield* OperationCodec.decoder("Params", texts)(input) as Effect.Effect<unknown>
      assert.deepStrictEqual(decoded, { a: "1", b: "2" })
      assert.deepStrictEqual(input, { a: "1", b: "2", c: "3" })
    }))
})

describe("a codec of a query", () => {
  const empty = Object.create(null) as object

  it.effect("decodes nothing to nothing, each time to another object", () =>
    Effect.gen(function*() {
      const decode = OperationCodec.queryDecoder(Schema.Struct({ a: Schema.optionalKey(Schema.String) }))
      const [one, other] = [decode(empty), decode(empty)]
      assert.isTrue(Exit.isExit(one))
      assert.deepStrictEqual(yield* one as Effect.Effect<unknown>, {})
      assert.notStrictEqual(yield* one as Effect.Effect<unknown>, yield* other as Effect.Effect<unknown>)
      assert.deepStrictEqual(yield* decode({ a: "1" }) as Effect.Effect<unknown>, { a: "1" })
    }))

  it.effect("refuses nothing where something is required, and fills in what is there without", () =>
    Effect.gen(function*() {
      const required = OperationCodec.queryDecoder(Schema.Struct({ a: Schema.String }))
      assert.strictEqual(yield* outcome(required(empty)), "refused")
      const filled = OperationCodec.queryDecoder(
        Schema.Struct({ a: Schema.String.pipe(Schema.withDecodingDefault(Effect.succeed("x"))) })
      )
      assert.strictEqual(yield* outcome(filled(empty)), `{"a":"x"}`)
    }))
})
