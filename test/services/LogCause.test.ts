import { assert, describe, it } from "@effect/vitest"
import { Cause } from "effect"
import * as LogCause from "../../src/services/LogCause.ts"

describe("the text of a cause", () => {
  it("names what an AggregateError is made of, also where it is the cause of another error", () => {
    const refused = ["::1", "127.0.0.1"].map((host) => new Error(`connect ECONNREFUSED ${host}:5432`))
    const expected = "[errors]: Error: connect ECONNREFUSED ::1:5432; Error: connect ECONNREFUSED 127.0.0.1:5432"
    const failed = new TypeError("fetch failed", { cause: new AggregateError(refused) })
    for (const error of [new AggregateError(refused), failed]) {
      assert.strictEqual(LogCause.pretty(Cause.fail(error)).split("\n").at(-1), expected)
    }
  })

  it("is bounded, whatever an AggregateError is made of", () => {
    const many = new AggregateError([
      Symbol("odd"),
      null,
      { a: 1 },
      ...Array.from({ length: 99 }, () => new Error("x"))
    ])
    many.errors.push(many)
    const line = LogCause.pretty(Cause.die(many)).split("\n").at(-1) ?? ""
    assert.match(line, /^\[errors\]: Symbol\(odd\); null; \{"a":1\}; (Error: x; ){6}Error: x$/)
  })
})
