import { assert, describe, it } from "@effect/vitest"
import { Context, Metric } from "effect"
import { bound, limits, overflow } from "../../src/services/MetricSeries.ts"

const make = (given: { readonly metric: number; readonly total: number }) => {
  const registry: Metric.MetricRegistry = new Map()
  const context = Context.make(Metric.MetricRegistry, registry)
  const states = (id: string) =>
    Metric.snapshotUnsafe(context).filter((series) => series.id === id).map(({ attributes, state }) =>
      [Object.values(attributes ?? {})[0] ?? Object.keys(attributes ?? {})[0], state] as const
    )
  return { registry, context, states, account: bound(registry, given) }
}

const counter = (id: string, user: number) =>
  Metric.counter(id, { incremental: true, attributes: { user: `user-${user}` } })

const total = (states: ReadonlyArray<readonly [unknown, unknown]>) =>
  states.reduce((sum, [, state]) => sum + (state as { count: number }).count, 0)

const words = (state: readonly [unknown, unknown] | undefined) => [
  ...((state?.[1] as Metric.FrequencyState | undefined)?.occurrences ?? [])
]

describe("MetricSeries", () => {
  it("keeps as many series of a metric as the limit, and the sum of all others in one", () => {
    const { account, context, registry, states } = make({ metric: 3, total: 100 })
    for (let user = 0; user < 1000; user++) counter("orders_total", user).updateUnsafe(2, context)
    assert.deepStrictEqual(states("orders_total").map(([user, { count }]: any) => [user, count]), [
      ["user-0", 2],
      ["user-1", 2],
      ["user-2", 2],
      ["true", 1994]
    ])
    assert.deepStrictEqual([...registry.values()].at(-1)?.attributes, { [overflow]: "true" })
    assert.deepStrictEqual({ ...account }, { overflowed: 997, dropped: 0, full: new Set(["orders_total"]) })
  })

  it("goes on updating what it keeps, also through an instrument that is held", () => {
    const { account, context, states } = make({ metric: 1, total: 100 })
    const [kept, other] = [counter("n", 1), counter("n", 2)]
    for (let time = 0; time < 5; time++) {
      kept.updateUnsafe(1, context)
      other.updateUnsafe(1, context)
    }
    assert.deepStrictEqual(states("n").map(([, { count }]: any) => count), [5, 5])
    assert.strictEqual(account.overflowed, 5)
    assert.strictEqual(other.valueUnsafe(context).count, 5)
  })

  it("holds a million series of a histogram in what the limit has", () => {
    const { account, context, registry } = make(limits)
    for (let user = 0; user < 1_000_000; user++) {
      Metric.histogram("seconds", { boundaries: [1, 2], attributes: { user: `user-${user}` } }).updateUnsafe(1, context)
    }
    assert.strictEqual(registry.size, limits.metric + 1)
    assert.strictEqual(account.overflowed, 1_000_000 - limits.metric)
  })

  it("bounds the words of a frequency, and of those that have attributes without bound", () => {
    const { account, context, states } = make({ metric: 3, total: 100 })
    for (let user = 0; user < 50; user++) Metric.frequency("words").updateUnsafe(`w${user % 10}`, context)
    assert.deepStrictEqual(words(states("words")[0]), [["w0", 5], ["w1", 5], [overflow, 40]])
    for (let user = 0; user < 50; user++) {
      Metric.frequency("words", { attributes: { user: `u${user}` } }).updateUnsafe(`w${user}`, context)
    }
    assert.strictEqual(states("words").length, 2)
    assert.deepStrictEqual(words(states("words")[1]), [[overflow, 50]])
    assert.strictEqual(account.overflowed, 90)
  })

  it("keeps no more than the total, drops and counts what has no series, and leaves room for the chassis", () => {
    const { account, context, registry } = make({ metric: 10, total: 20 })
    for (let name = 0; name < 1000; name++) Metric.counter(`name_${name}`).updateUnsafe(1, context)
    Metric.gauge("keelson_fibers").updateUnsafe(7, context)
    assert.strictEqual(registry.size, 21)
    assert.deepStrictEqual({ ...account }, { overflowed: 0, dropped: 980, full: new Set() })
    assert.strictEqual(Metric.gauge("keelson_fibers").valueUnsafe(context).value, 7)
  })

  it("gives the place of a removed series to another", () => {
    const { context, registry, states } = make({ metric: 2, total: 2 })
    for (const user of [1, 2]) counter("n", user).updateUnsafe(1, context)
    Metric.removeUnsafe(counter("n", 1), context)
    counter("n", 3).updateUnsafe(1, context)
    assert.deepStrictEqual(states("n").map(([user]) => user), ["user-2", "user-3"])
    const frequency = Metric.frequency("words")
    Metric.removeUnsafe(counter("n", 3), context)
    frequency.updateUnsafe("a", context)
    Metric.removeUnsafe(frequency, context)
    counter("n", 4).updateUnsafe(1, context)
    assert.deepStrictEqual(states("n").map(([user]) => user), ["user-2", "user-4"])
    registry.clear()
    for (const user of [5, 6]) counter("m", user).updateUnsafe(1, context)
    assert.strictEqual(total(states("m")), 2)
    assert.deepStrictEqual(states("m").map(([user]) => user), ["user-5", "user-6"])
  })

  it("drops what is only read beyond the limit, and leaves the updates of others right", () => {
    const { account, context, states } = make({ metric: 2, total: 9 })
    const registrations = [1, 2, 3, 4].map((user) =>
      Metric.registerUnsafe(counter("n", user), context, {
        get: () => ({ count: 10 * user, incremental: true }),
        update: () => {},
        modify: () => {}
      })
    )
    assert.deepStrictEqual({ ...account }, { overflowed: 0, dropped: 2, full: new Set(["n"]) })
    counter("n", 5).updateUnsafe(7, context)
    assert.deepStrictEqual(states("n").map(([user, { count }]: any) => [user, count]), [
      ["user-1", 10],
      ["user-2", 20],
      ["true", 7]
    ])
    for (const { remove } of registrations) remove()
    assert.deepStrictEqual(states("n").map(([user]) => user), ["true"])
  })

  it("counts a series that is registered anew once, and what was there before it was bound", () => {
    const registry: Metric.MetricRegistry = new Map()
    const context = Context.make(Metric.MetricRegistry, registry)
    counter("n", 0).updateUnsafe(1, context)
    const account = bound(registry, { metric: 2, total: 9 })
    assert.strictEqual(bound(registry), account)
    const hooks = { get: () => ({ count: 1, incremental: true }), update: () => {}, modify: () => {} }
    for (let time = 0; time < 9; time++) Metric.registerUnsafe(counter("n", 1), context, hooks)
    assert.deepStrictEqual([registry.size, account.overflowed], [2, 0])
    counter("n", 2).updateUnsafe(1, context)
    assert.strictEqual(account.overflowed, 1)
  })
})
