import { describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import type { Cause } from "effect"
import { assert } from "vitest"
import { encode, type LogEntry } from "../../src/services/LogEncoder.ts"
import { render } from "../../src/services/LogPretty.ts"

const rendered = (entry: Partial<LogEntry>, colours = false) => {
  const full: LogEntry = { timestamp: 0, level: "Info", message: "hello", ...entry }
  return render({ timestamp: full.timestamp, level: full.level, line: encode(full) }, { colours })
}

describe("LogPretty", () => {
  it("shows time, level, message and fields on one line", () => {
    assert.strictEqual(
      rendered({ annotations: { user: "ann", tries: 3, nested: { a: [1] } }, spans: [["load", -5]] }),
      `00:00:00.000 INFO  hello user=ann tries=3 nested={"a":[1]} spans={"load":5}`
    )
  })

  it("shows the beginning of the trace id", () => {
    assert.include(rendered({ traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7" }), " trace=0af76519")
  })

  it("colours when asked", () => {
    assert.include(rendered({ level: "Error" }, true), "\u001b[31mERROR\u001b[0m")
  })

  it("shows the cause below", () => {
    const [first, second, third] = rendered({ level: "Error", message: ["failed", new Error("boom")] }).split("\n")
    assert.strictEqual(first, "00:00:00.000 ERROR failed error=Error")
    assert.strictEqual(second, "  Error: boom")
    assert.match(third ?? "", /^ {6}at /)
  })

  it("keeps a message on its line", () => {
    assert.strictEqual(rendered({ message: "a\nb\tc\r" }), "00:00:00.000 INFO  a\\nb\\tc\\x0d")
  })

  it("escapes what could steer the terminal, wherever it stands", () => {
    const evil = "\u001b[2J\u009b1m\u0007\u202e\u2028\u007f"
    const text = rendered({
      message: evil,
      traceId: evil,
      annotations: { [evil]: evil, nested: { [evil]: [evil] } },
      spans: [[evil, 0]],
      cause: { reasons: [] } as unknown as Cause.Cause<never>
    }) + rendered({ message: [evil, new Error(evil)] })
    // oxlint-disable-next-line no-control-regex -- they are what is looked for
    assert.notMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e\u2028]/)
    assert.include(text, "\\x1b[2J\\x9b1m\\x07\\u202e\\u2028\\x7f")
  })

  it("shows a line that is not JSON", () => {
    for (const line of ["not json \u001b", "3", "null"]) {
      assert.include(render({ timestamp: 0, level: "Warn", line }, { colours: false }), "WARN ")
    }
  })

  it.prop(
    "gives one line without control characters for any text without a cause",
    [Arbitrary.array(Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff }))))],
    ([units]) => {
      const text = String.fromCharCode(...units)
      // oxlint-disable-next-line no-control-regex -- they are what is looked for
      assert.notMatch(rendered({ message: text, annotations: { [text]: text } }), /[\u0000-\u001f\u007f-\u009f\u2028]/)
    }
  )
})
