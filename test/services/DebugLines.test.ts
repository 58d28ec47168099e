import { assert, describe, it } from "@effect/vitest"
import { Context, Metric } from "effect"
import * as DebugLines from "../../src/services/DebugLines.ts"
import type { LogEvent } from "../../src/services/LogSink.ts"

const line = (message: string, timestamp = 0): LogEvent => ({
  timestamp,
  level: "Debug",
  line: `{"message":"${message}"}`
})

const setup = (bounds?: DebugLines.Bounds) => {
  const offered: Array<LogEvent> = []
  const context = Context.make(Metric.MetricRegistry, new Map())
  const lines = DebugLines.make({ offer: (event) => offered.push(event), context, bounds })
  return {
    ...lines,
    messages: () => offered.splice(0).map(({ line }) => (JSON.parse(line) as { message: string }).message),
    offered,
    dropped: () =>
      Metric.snapshotUnsafe(context).map(({ state }) => (state as { count: number }).count).reduce((a, b) => a + b, 0)
  }
}

describe("the kept lines of a request", () => {
  it("are given to the log in their order, marked, and only once", () => {
    const { begin, messages, offered, total } = setup()
    const lines = begin()
    lines.add(line("a", 1))
    lines.add(line("b", 2))
    assert.isAbove(total(), 0)
    lines.flush()
    assert.deepStrictEqual(offered[0], { timestamp: 1, level: "Debug", line: `{"message":"a","buffered":true}` })
    assert.deepStrictEqual(messages(), ["a", "b"])
    lines.add(line("c"))
    lines.flush()
    assert.deepStrictEqual([messages(), total()], [["c"], 0])
  })

  it("are forgotten when it went well, with what comes later", () => {
    const { begin, dropped, messages, total } = setup()
    const lines = begin()
    lines.add(line("a"))
    lines.discard()
    lines.add(line("late"))
    lines.flush()
    assert.deepStrictEqual([messages(), total(), dropped()], [[], 0, 0])
  })

  it("are the last ones, in number and size, and those that made room are counted", () => {
    const few = setup({ lines: 2, size: 1000, total: 1000 })
    const first = few.begin()
    for (const message of ["a", "b", "c", "d"]) first.add(line(message))
    first.flush()
    assert.deepStrictEqual(few.messages(), ["lines below the log level that were dropped before these: 2", "c", "d"])
    assert.strictEqual(few.dropped(), 2)

    const small = setup({ lines: 100, size: 50, total: 1000 })
    const second = small.begin()
    for (const message of ["a", "b", "c", "x".repeat(100)]) second.add(line(message))
    second.flush()
    assert.deepStrictEqual(small.messages(), ["lines below the log level that were dropped before these: 4"])
    assert.strictEqual(small.total(), 0)
  })

  it("make room, all requests together, for what is newer", () => {
    const { begin, dropped, messages, total } = setup({ lines: 100, size: 1000, total: 45 })
    const [old, young] = [begin(), begin()]
    old.add(line("a"))
    young.add(line("b"))
    old.add(line("c"))
    young.add(line("d"))
    young.add(line("e"))
    assert.isAtMost(total(), 45)
    young.flush()
    assert.deepStrictEqual(messages(), ["b", "d", "e"])
    old.flush()
    assert.deepStrictEqual(messages(), ["lines below the log level that were dropped before these: 2"])
    assert.deepStrictEqual([dropped(), total()], [2, 0])
  })
})
