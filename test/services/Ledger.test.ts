import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Metric } from "effect"
import { type Account, describe as describeAccount, droppedOf, layer, Ledger } from "../../src/services/Ledger.ts"
import { makeAccount, rejectedOf, unaccounted } from "../../src/services/Ledger.ts"

const rejections = ["tooOld", "tooNew", "expired", "invalid"] as const
const drops = ["overflow", "deadline", "afterClose", "ambiguous"] as const

type Change = (account: Account, by: number) => void

const subtracted: Record<string, Change> = {
  delivered: (account, by) => account.delivered += by,
  buffered: (account, by) => account.buffered += by,
  "in flight": (account, by) => account.inFlight += by,
  ...Object.fromEntries([
    ...rejections.map((reason): [string, Change] => [
      `rejected (${reason})`,
      (account, by) => account.rejected[reason] += by
    ]),
    ...drops.map((reason): [string, Change] => [
      `dropped (${reason})`,
      (account, by) => account.dropped[reason] += by
    ])
  ])
}

const aside: Record<string, Change> = {
  repeated: (account, by) => account.repeated += by,
  requests: (account, by) => account.requests += by,
  failedRequests: (account, by) => account.failedRequests += by,
  bufferedBytes: (account, by) => account.bufferedBytes += by
}

describe("an account", () => {
  it("has nothing on it at first, and shares nothing with others", () => {
    const account = makeAccount("logs")
    assert.deepStrictEqual([unaccounted(account), rejectedOf(account), droppedOf(account)], [0, 0, 0])
    assert.strictEqual(describeAccount(account), "logs: 0 offered")
    account.rejected.tooOld++
    account.dropped.overflow++
    const other = makeAccount("metrics")
    assert.deepStrictEqual([rejectedOf(other), droppedOf(other)], [0, 0])
    assert.deepStrictEqual(Object.keys(account.rejected).sort(), [...rejections].sort())
    assert.deepStrictEqual(Object.keys(account.dropped).sort(), [...drops].sort())
  })

  it("misses what is offered until it is somewhere", () => {
    const account = makeAccount("logs")
    account.offered += 7
    assert.strictEqual(unaccounted(account), 7)
    for (const [field, change] of Object.entries(subtracted)) {
      change(account, 3)
      assert.strictEqual(unaccounted(account), 4, field)
      change(account, 5)
      assert.strictEqual(unaccounted(account), -1, field)
      change(account, -8)
      assert.strictEqual(unaccounted(account), 7, field)
    }
    for (const [field, change] of Object.entries(aside)) {
      change(account, 3)
      assert.strictEqual(unaccounted(account), 7, field)
    }
  })

  it("adds the reasons up", () => {
    const account = makeAccount("logs")
    rejections.forEach((reason, index) => account.rejected[reason] = 10 ** index)
    drops.forEach((reason, index) => account.dropped[reason] = 2 * 10 ** index)
    assert.deepStrictEqual([rejectedOf(account), droppedOf(account)], [1111, 2222])
  })

  it("says in words what is not nothing, alone and together", () => {
    for (const [words, change] of Object.entries(subtracted)) {
      const account = makeAccount("logs")
      account.offered = 9
      change(account, 9)
      assert.strictEqual(describeAccount(account), `logs: 9 offered, 9 ${words}`)
    }
    const all = makeAccount("metrics")
    Object.values(subtracted).forEach((change, index) => change(all, index + 1))
    all.offered = 66
    all.repeated = 5
    const said = describeAccount(all)
    assert.match(said, /^metrics: 66 offered, 1 delivered, .*, 5 sent again, may be there twice$/)
    Object.keys(subtracted).forEach((words, index) => assert.include(said.split(", "), `${index + 1} ${words}`))
    assert.strictEqual(unaccounted(all), 0)
  })
})

const isolated = Layer.provideMerge(layer, Layer.sync(Metric.MetricRegistry, () => new Map()))

const items = (account: string, outcome: string) =>
  `keelson_telemetry_items_total${JSON.stringify({ account, outcome })}`
const bytes = (account: string) => `keelson_telemetry_buffered_bytes${JSON.stringify({ account })}`

const series = Effect.map(
  Metric.snapshot,
  (snapshot) =>
    Object.fromEntries(snapshot.map(({ attributes, id, state }) => [`${id}${JSON.stringify(attributes)}`, state]))
)

const counted = (count: number) => ({ count, incremental: true })

describe("Ledger", () => {
  it.effect("lists the accounts in the order they were opened", () =>
    Effect.gen(function*() {
      const ledger = yield* Ledger
      assert.deepStrictEqual(ledger.accounts(), [])
      const logs = yield* ledger.open("logs")
      const metrics = yield* ledger.open("metrics")
      assert.deepStrictEqual([logs.name, metrics.name], ["logs", "metrics"])
      assert.strictEqual(ledger.accounts()[0], logs)
      assert.strictEqual(ledger.accounts()[1], metrics)
      assert.strictEqual(ledger.accounts().length, 2)
    }).pipe(Effect.provide(isolated)))

  it.effect("has metrics that are read from the accounts", () =>
    Effect.gen(function*() {
      const { open } = yield* Ledger
      assert.deepStrictEqual(yield* series, {})
      const logs = yield* open("logs")
      const metrics = yield* open("metrics")
      const none = {
        delivered: counted(0),
        rejected: counted(0),
        dropped: counted(0)
      }
      const expected = (account: string, outcomes: typeof none, value: number) => ({
        ...Object.fromEntries(Object.entries(outcomes).map(([outcome, state]) => [items(account, outcome), state])),
        [bytes(account)]: { value }
      })
      assert.deepStrictEqual(yield* series, { ...expected("logs", none, 0), ...expected("metrics", none, 0) })

      logs.delivered = 5
      rejections.forEach((reason, index) => logs.rejected[reason] = 10 ** index)
      drops.forEach((reason, index) => logs.dropped[reason] = 2 * 10 ** index)
      logs.bufferedBytes = 4096
      metrics.delivered = 1
      const some = { delivered: counted(5), rejected: counted(1111), dropped: counted(2222) }
      assert.deepStrictEqual(yield* series, {
        ...expected("logs", some, 4096),
        ...expected("metrics", { ...none, delivered: counted(1) }, 0)
      })

      logs.delivered = 6
      logs.bufferedBytes = 0
      assert.deepStrictEqual((yield* series)[items("logs", "delivered")], counted(6))
      assert.deepStrictEqual((yield* series)[bytes("logs")], { value: 0 })
    }).pipe(Effect.provide(isolated)))
})
