import { describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { assert } from "vitest"
import { format, nextSpanId, nextTraceId, parse } from "../../src/services/TraceContext.ts"

const traceId = "0af7651916cd43dd8448eb211c80319c"
const spanId = "b7ad6b7169203331"

describe("TraceContext", () => {
  it("reads version 00", () => {
    assert.deepStrictEqual(parse(`00-${traceId}-${spanId}-01`), { traceId, spanId, sampled: true })
    assert.deepStrictEqual(parse(`00-${traceId}-${spanId}-00`), { traceId, spanId, sampled: false })
  })

  it("reads only the sampled bit of the flags", () => {
    assert.strictEqual(parse(`00-${traceId}-${spanId}-ff`)?.sampled, true)
    assert.strictEqual(parse(`00-${traceId}-${spanId}-fe`)?.sampled, false)
  })

  it("reads what it knows of a higher version", () => {
    const expected = { traceId, spanId, sampled: true }
    assert.deepStrictEqual(parse(`01-${traceId}-${spanId}-01`), expected)
    assert.deepStrictEqual(parse(`cc-${traceId}-${spanId}-01-what-the-future-brings`), expected)
  })

  for (
    const [name, header] of [
      ["version ff", `ff-${traceId}-${spanId}-01`],
      ["more fields in version 00", `00-${traceId}-${spanId}-01-extra`],
      ["a trailing dash in version 00", `00-${traceId}-${spanId}-01-`],
      ["text glued to a higher version", `cc-${traceId}-${spanId}-01.extra`],
      ["an all-zero trace id", `00-${"0".repeat(32)}-${spanId}-01`],
      ["an all-zero span id", `00-${traceId}-${"0".repeat(16)}-01`],
      ["upper case", `00-${traceId.toUpperCase()}-${spanId}-01`],
      ["a short trace id", `00-${traceId.slice(1)}-${spanId}-01`],
      ["a long span id", `00-${traceId}-${spanId}0-01`],
      ["flags that are not hexadecimal", `00-${traceId}-${spanId}-0g`],
      ["missing flags", `00-${traceId}-${spanId}`],
      ["surrounding space", ` 00-${traceId}-${spanId}-01`],
      ["a line break after it", `00-${traceId}-${spanId}-01\n`],
      ["two headers joined", `00-${traceId}-${spanId}-01, 00-${traceId}-${spanId}-01`],
      ["nothing", ""]
    ] as const
  ) {
    it(`refuses ${name}`, () => assert.isUndefined(parse(header)))
  }

  it.prop("never throws on foreign text", [Arbitrary.schema(Schema.String)], ([text]) => {
    assert.isUndefined(parse(text))
    assert.isUndefined(parse(`00-${text}-${spanId}-01`))
  })

  it("makes well-formed ids that differ, across refills of its pool", () => {
    const ids = Array.from({ length: 5_000 }, () => ({ traceId: nextTraceId(), spanId: nextSpanId(), sampled: true }))
    for (const id of ids) assert.deepStrictEqual(parse(format(id)), id)
    assert.strictEqual(new Set(ids.map(({ traceId }) => traceId)).size, ids.length)
    assert.strictEqual(new Set(ids.map(({ spanId }) => spanId)).size, ids.length)
  })
})
