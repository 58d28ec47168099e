import { assert, describe, it } from "@effect/vitest"
import * as Stopwatch from "../../src/layers/Stopwatch.ts"
import { runLibrary } from "../utils/runLibrary.ts"

describe("a stopwatch", () => {
  it("goes forwards as the system's clock does, also while it settles", () => {
    const began = process.hrtime.bigint()
    const elapsed = () => Number(process.hrtime.bigint() - began) / 1e6
    const startedAt = Stopwatch.now()
    const late = elapsed()
    let last = startedAt
    const watch = () => {
      for (const end = last + 5; last < end;) {
        const before = elapsed()
        const now = Stopwatch.now()
        assert.isAtLeast(now, last)
        assert.isAtLeast(now - startedAt, before - late - 1e-3)
        last = now
      }
    }
    watch()
    let settling = 0
    for (let times = 0; times < 2; times++) {
      const before = elapsed()
      Stopwatch.settle()
      settling += elapsed() - before
      const settled = Stopwatch.now()
      // It goes ahead by what passes between its looks at both clocks.
      assert.isAtMost(settled - startedAt, elapsed() + settling + 1e-3)
      watch()
    }
  })

  it("loads nothing of Node before it settles", () => {
    const said = runLibrary(
      "layers/Stopwatch.js",
      `(stopwatch) => {
  const loaded = () => process.moduleLoadList.includes("NativeModule perf_hooks")
  stopwatch.now()
  const before = loaded()
  stopwatch.settle()
  return [before, loaded()]
}`
    )
    assert.deepStrictEqual(said, [false, true])
  })
})
