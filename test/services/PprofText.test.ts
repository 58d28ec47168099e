import { assert, describe, it } from "@effect/vitest"
import { commandLine, contention, heap, index, threads } from "../../src/services/PprofText.ts"

describe("what Go's handlers say as text", () => {
  it("has the heap with totals, the largest first", () => {
    const grow = { name: "grow", file: "src/main.ts", line: 3 }
    const main = { name: "main", file: "src/main.ts", line: 9 }
    assert.strictEqual(
      heap([{ stack: [main], values: [1, 10] }, { stack: [grow, main], values: [4, 400] }], ["said"]),
      `heap profile: 5: 410 [5: 410] @ heap/2
# said
4: 400 [4: 400] @ 0x1000 0x2000
#\t0x1000\tgrow+0x0\tsrc/main.ts:3
#\t0x2000\tmain+0x0\tsrc/main.ts:9

1: 10 [1: 10] @ 0x2000
#\t0x2000\tmain+0x0\tsrc/main.ts:9

`
    )
  })

  it("has threads by name, and no contention", () => {
    assert.strictEqual(
      threads(["V8Worker", "MainThread", "V8Worker"]),
      `threadcreate profile: total 3
2 @ 0x1000
#\t0x1000\tV8Worker+0x0

1 @ 0x2000
#\t0x2000\tMainThread+0x0
`
    )
    assert.match(contention("block"), /^--- contention:\ncycles\/second=\d+\n$/)
    assert.match(contention("mutex"), /^--- mutex:\ncycles\/second=\d+\nsampling period=0\n$/)
  })

  it("has the command line without values", () => {
    assert.strictEqual(
      commandLine(["node", "main.js", "--token=a=b", "-k", "secret"]).split("\0").join(" "),
      [
        "node",
        "main.js",
        "--token=<redacted>",
        "-k",
        "<redacted>"
      ].join(" ")
    )
  })

  it("has a page with a link to each profile", () => {
    for (const name of ["allocs", "block", "cmdline", "goroutine", "heap", "mutex", "profile", "threadcreate"]) {
      assert.match(index({ goroutine: 12 }), new RegExp(`<a href="${name}(\\?debug=1)?">${name}</a>`))
    }
    assert.include(index({ goroutine: 12 }), "<td>12</td>")
  })
})
