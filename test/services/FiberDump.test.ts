import { assert, describe, it } from "@effect/vitest"
import { type FiberState, fibersText, group, groupsText, leaks, samples } from "../../src/services/FiberDump.ts"

const fiber = (id: number, name: string, rest: Partial<FiberState> = {}): FiberState => ({
  id,
  running: false,
  age: 10 * id,
  stack: [{ name, file: "src/orders.ts", line: 7 }, { name: "main", file: "src/main.ts", line: 1 }],
  ...rest
})

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index)

describe("groups of fibers", () => {
  it("are by stack, span and operation, the largest first, with the span of their ages", () => {
    const groups = group([
      fiber(1, "poll"),
      fiber(2, "poll", { running: true }),
      fiber(3, "poll"),
      fiber(4, "poll", { span: "other" }),
      fiber(5, "poll", { operation: "orders.place" }),
      fiber(6, "write", { stack: [] }),
      fiber(7, "write", { stack: undefined })
    ])
    assert.deepStrictEqual(groups.map(({ count }) => count), [3, 1, 1, 1, 1])
    assert.deepInclude(groups[0], { running: 1, ids: [1, 2, 3], age: { youngest: 10, median: 20, oldest: 30 } })
    assert.deepStrictEqual(groups.map(({ stack }) => stack[0]?.name), [
      "poll",
      "poll",
      "poll",
      "(unknown)",
      "(not looked at)"
    ])
  })

  it("are text as Go's", () => {
    const text = groupsText([
      fiber(1, "poll", { operation: "orders.place" }),
      fiber(2, "poll", {
        operation: "orders.place"
      })
    ])
    assert.strictEqual(
      text,
      `goroutine profile: total 2
2 @ 0x1000 0x2000
# labels: {"operation":"orders.place"}
#\t0x1000\tpoll+0x0\tsrc/orders.ts:7
#\t0x2000\tmain+0x0\tsrc/main.ts:1
`
    )
  })

  it("are samples, each with its trace", () => {
    assert.deepStrictEqual(
      samples([fiber(1, "poll", { operation: "o", span: "s", traceId: "t" })])[0]?.labels,
      { operation: "o", span: "s", trace_id: "t" }
    )
  })
})

describe("the text of every fiber", () => {
  it("has state, minutes, trace and stack", () => {
    assert.strictEqual(
      fibersText([fiber(1, "poll", { age: 125_000, traceId: "t" }), fiber(2, "poll", { running: true, age: 5 })]),
      `goroutine 1 [suspended, 2 minutes]:
# trace_id: t
# age: 125000ms
poll()
\tsrc/orders.ts:7
main()
\tsrc/main.ts:1

goroutine 2 [running]:
# age: 5ms
poll()
\tsrc/orders.ts:7
main()
\tsrc/main.ts:1
`
    )
  })
})

describe("leaks", () => {
  const pollers = (from: number) => range(from, from + 100).map((id) => fiber(id, "longPoll"))

  it("are groups that only grow", () => {
    const leak = (count: number) => range(1_000, 1_000 + count).map((id) => fiber(id, "stuck"))
    const found = leaks([
      [...pollers(0), ...leak(3)],
      [...pollers(0), ...leak(5)],
      [...pollers(50), ...leak(9)]
    ])
    assert.deepStrictEqual(found.map(({ counts, group }) => [group.stack[0]?.name, counts]), [["stuck", [3, 5, 9]]])
  })

  it("are not what was there before and is seen only now", () => {
    const looked = (from: number, to: number) =>
      range(0, 100).map((id) => fiber(id, "connection", id < from || id >= to ? { stack: undefined } : {}))
    assert.deepStrictEqual(leaks([looked(50, 90), looked(40, 90), looked(30, 90)]), [])
  })

  it("are not what stays, what comes and goes, or what grows while members end", () => {
    assert.deepStrictEqual(leaks([pollers(0), pollers(0), pollers(0)]), [])
    assert.deepStrictEqual(leaks([pollers(0), pollers(50), pollers(100)]), [])
    const growing = [10, 20, 30].map((count, look) => range(look, look + count).map((id) => fiber(id, "longPoll")))
    assert.deepStrictEqual(leaks(growing), [])
    assert.deepStrictEqual(leaks([[], pollers(0), [...pollers(0), ...pollers(100)]]), [])
  })
})
