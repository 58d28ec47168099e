import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { fromStatus, markdown } from "../../src/services/ExitCode.ts"

describe("exit codes", () => {
  it("follow the status", () => {
    const codes = [200, 204, 400, 401, 403, 404, 409, 418, 422, 429, 500, 501, 503, 504].map(fromStatus)
    assert.deepStrictEqual(codes, [0, 0, 2, 4, 4, 3, 5, 1, 2, 7, 1, 1, 8, 6])
  })

  it("are published as they are", () => {
    assert.include(readFileSync(new URL("../../docs/exit-codes.md", import.meta.url), "utf8"), markdown())
  })
})
