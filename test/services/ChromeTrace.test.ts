import { assert, describe, it } from "@effect/vitest"
import { encode } from "../../src/services/ChromeTrace.ts"

const frame = (name: string) => ({ name, file: "src/main.ts", line: 1 })

describe("a trace", () => {
  it("has one call for consecutive samples of a function, and closes what it opened", () => {
    const { traceEvents } = JSON.parse(encode([
      { at: 10, stack: [frame("sort"), frame("serve")] },
      { at: 20, stack: [frame("sort"), frame("serve")] },
      { at: 30, stack: [frame("parse"), frame("serve")] },
      { at: 40, stack: [] },
      { at: 50, stack: [frame("serve")] }
    ], 60)) as { traceEvents: ReadonlyArray<{ ph: string; name: string; ts: number }> }
    assert.deepStrictEqual(traceEvents.slice(1).map(({ name, ph, ts }) => `${ph} ${name} ${ts}`), [
      "B serve 10",
      "B sort 10",
      "E sort 30",
      "B parse 30",
      "E parse 40",
      "E serve 40",
      "B serve 50",
      "E serve 60"
    ])
  })
})
