import { assert, describe, it } from "@effect/vitest"
import { preferred } from "../../src/services/Accept.ts"

describe("an Accept header", () => {
  it("prefers by quality, then by order, and refuses", () => {
    const offered = ["text/html", "application/json"]
    for (
      const [accept, expected] of [
        [undefined, undefined],
        ["*/*", undefined],
        ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"],
        ["application/json, text/html", "application/json"],
        ["text/html;q=0.1, application/json", "application/json"],
        ["TEXT/HTML ; Q=0.5", "text/html"],
        ["text/html;q=0, application/json;q=0", undefined],
        ["text/html;level=1;q=0.2, application/json;q=0.3", "application/json"],
        ["text/html;q=x", undefined]
      ] as const
    ) assert.strictEqual(preferred(accept, offered), expected, accept)
  })
})
