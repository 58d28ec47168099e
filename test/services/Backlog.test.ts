import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as Backlog from "../../src/services/Backlog.ts"
import * as Ledger from "../../src/services/Ledger.ts"

const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000)

interface Item extends Backlog.Item {
  readonly name: number
}

const maxBytes = 100
const limits = { bytes: 40, items: 3, span: 50 }

const steps = Arbitrary.schema(
  Schema.Array(Schema.Union([
    // At the limits and on both sides of them.
    Schema.Struct({
      bytes: Schema.Literals([1, 4, 8, 9, 20, 40, 41, maxBytes, maxBytes + 1]),
      timestamp: Schema.Literals([0, 1, 49, 50, 51, 99]),
      priority: Schema.Literals([0, 1, 2, 3])
    }),
    Schema.Literals(["cut", "leave"])
  ])).pipe(Schema.check(Schema.isMinLength(10)))
)

const make = () => {
  const account = Ledger.makeAccount("test")
  return { account, backlog: Backlog.make<Item>({ account, limits, maxBytes, packing: () => false }) }
}

const sum = (items: ReadonlyArray<Item>) => items.reduce((sum, { bytes }) => sum + bytes, 0)

/** What a backlog must do, done without haste. */
const makeModel = () => {
  let waiting: Array<Item> = []
  let onTheirWay: ReadonlyArray<Item> = []
  const dropped: Array<Item> = []
  const room = () => maxBytes - sum(waiting) - sum(onTheirWay)
  return {
    waiting: () => waiting,
    onTheirWay: () => onTheirWay,
    dropped: () => dropped,
    admit: (item: Item) => {
      const droppable = waiting
        .filter(({ priority }) => priority <= item.priority)
        .sort((a, b) => a.priority - b.priority || a.name - b.name)
      if (item.bytes <= maxBytes) {
        for (const victim of droppable) {
          if (room() >= item.bytes) break
          waiting = waiting.filter((kept) => kept !== victim)
          dropped.push(victim)
        }
      }
      if (room() >= item.bytes) waiting.push(item)
      else dropped.push(item)
    },
    cut: () => {
      const batch: Array<Item> = []
      for (const item of waiting) {
        const times = [...batch, item].map(({ timestamp }) => timestamp)
        const fits = sum(batch) + item.bytes <= limits.bytes && Math.max(...times) - Math.min(...times) < limits.span
        if (batch.length === limits.items || (batch.length > 0 && !fits)) break
        batch.push(item)
      }
      waiting = waiting.slice(batch.length)
      onTheirWay = [...onTheirWay, ...batch]
      return batch
    },
    leave: () => {
      onTheirWay = []
    }
  }
}

describe(`a backlog (seed ${seed})`, () => {
  it.prop(
    "keeps, drops and batches as it should, and the account tells so at every instant",
    [steps],
    ([steps]) => {
      const { account, backlog } = make()
      const model = makeModel()
      const names = (items: ReadonlyArray<Item>) => items.map(({ name }) => name)
      let name = 0
      for (const step of steps) {
        if (step === "cut") {
          const oldest = backlog.oldest()
          const { from, items } = backlog.cut()
          assert.deepStrictEqual(names(items), names(model.cut()))
          assert.strictEqual(from, oldest)
        } else if (step === "leave") {
          const left = model.onTheirWay()
          account.delivered += left.length
          backlog.leave(left)
          model.leave()
        } else {
          const item = { ...step, name: ++name }
          model.admit(item)
          assert.strictEqual(backlog.admit(item), model.waiting().includes(item))
        }
        assert.strictEqual(Ledger.unaccounted(account), 0)
        assert.deepStrictEqual(
          [account.buffered, account.inFlight, account.dropped.overflow, account.bufferedBytes],
          [
            model.waiting().length,
            model.onTheirWay().length,
            model.dropped().length,
            sum(model.waiting()) + sum(model.onTheirWay())
          ]
        )
        assert.strictEqual(backlog.oldest() === Infinity, model.waiting().length === 0)
        assert.strictEqual(
          backlog.isFull(),
          model.waiting().length >= limits.items || sum(model.waiting()) >= limits.bytes
        )
      }
      const times = model.dropped().map(({ timestamp }) => timestamp)
      assert.deepStrictEqual(
        backlog.takeGap(),
        times.length === 0 ? undefined : { count: times.length, from: Math.min(...times), to: Math.max(...times) }
      )
      assert.isUndefined(backlog.takeGap())
    },
    { arbitrary: { runs: 2000, seed } }
  )

  it("widens a gap that could not be told of", () => {
    const { backlog } = make()
    backlog.admit({ bytes: maxBytes + 1, timestamp: 7, priority: 0, name: 1 })
    backlog.widen({ count: 2, from: 3, to: 5 })
    assert.deepStrictEqual(backlog.takeGap(), { count: 3, from: 3, to: 7 })
  })
})
