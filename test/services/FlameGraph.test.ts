import { assert, describe, it } from "@effect/vitest"
import { parse, renderHtml, renderText } from "../../src/services/FlameGraph.ts"
import { encode, type Frame } from "../../src/services/Pprof.ts"

const frame = (name: string): Frame => ({ name, file: `src/${name}.ts`, line: 7 })

const graph = parse(encode({
  sampleTypes: [{ type: "samples", unit: "count" }, { type: "cpu", unit: "nanoseconds" }],
  startedAt: 0,
  samples: [
    { stack: [frame("sort"), frame("list"), frame("serve")], values: [3, 75_000_000] },
    { stack: [frame("list"), frame("serve")], values: [1, 15_000_000] },
    { stack: [frame("parse"), frame("serve")], values: [1, 9_900_000] },
    { stack: [frame("<script>alert(1)</script>"), frame("serve")], values: [1, 100_000] }
  ]
}))

describe("a flame graph", () => {
  it("is lines for a terminal, callers first, the dearest first, without what is negligible", () => {
    assert.strictEqual(
      renderText(graph),
      `100.0 ms in all
████████████████████ 100.0% all
████████████████████ 100.0%   serve src/serve.ts:7
██████████████████··  90.0%     list src/list.ts:7
███████████████·····  75.0%       sort src/sort.ts:7
██··················   9.9%     parse src/parse.ts:7
`
    )
  })

  it("is a page of its own, with everything escaped", () => {
    const page = renderHtml(graph, "<script>alert(2)</script>")
    assert.notInclude(page, "<script>alert")
    assert.match(
      page,
      /style="width:83\.333%"><button type="button" title="sort src\/sort\.ts:7\n75\.0 ms, 75\.0% of all"/
    )
    assert.notMatch(page, /(src|href)=|@import|url\(/)
  })

  it("of a difference has what grew, and says how much became less", () => {
    const difference = parse(encode({
      sampleTypes: [{ type: "space", unit: "bytes" }],
      startedAt: 0,
      samples: [
        { stack: [frame("leak"), frame("serve")], values: [50 * 2 ** 20] },
        { stack: [frame("freed"), frame("serve")], values: [-60 * 2 ** 20] }
      ]
    }))
    const text = renderText(difference)
    assert.match(text, /^50\.00 MiB more in all, and 60\.00 MiB less elsewhere\n/)
    assert.match(text, /100\.0% {5}leak/)
    assert.notInclude(text, "freed")
    assert.include(renderHtml(difference, "heap"), "50.00 MiB more in all, and 60.00 MiB less elsewhere")
  })

  it("of nothing is nothing", () => {
    const none = parse(encode({ sampleTypes: [{ type: "goroutine", unit: "count" }], startedAt: 0, samples: [] }))
    assert.strictEqual(renderText(none), `0 in all\n${"·".repeat(20)}   0.0% all\n`)
    assert.include(renderHtml(none, "nothing"), "0 in all")
  })
})
