import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Schema } from "effect"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { make } from "../../src/services/Fifo.ts"

const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000)

const between = (minimum: number, maximum: number) =>
  Arbitrary.schema(Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum, maximum }))))

// Some of them are many, since a queue that became long is another inside.
const counts = Arbitrary.map(
  Arbitrary.all([between(1, 9), between(0, 9)]),
  ([few, many]) => many === 0 ? few * 1000 : few
)
const operations = Arbitrary.array(Arbitrary.all([between(0, 1), counts]), { maxLength: 60 })

const collectGarbage = () => {
  setFlagsFromString("--expose-gc")
  runInNewContext("gc")()
}

describe("Fifo", () => {
  it("is empty at first, and again after its last value", () => {
    const queue = make<string>()
    const seen = () => [queue.size(), queue.peek(), queue.shift()]
    assert.deepStrictEqual(seen(), [0, undefined, undefined])
    queue.push("a")
    assert.deepStrictEqual(seen(), [1, "a", "a"])
    assert.deepStrictEqual(seen(), [0, undefined, undefined])
    queue.push("b")
    assert.deepStrictEqual(seen(), [1, "b", "b"])
  })

  it("does not mix with others", () => {
    const [one, other] = [make<number>(), make<number>()]
    one.push(1)
    assert.deepStrictEqual([one.size(), other.size(), other.peek()], [1, 0, undefined])
  })

  it.effect(`is an array whatever is done in which order (seed ${seed})`, () =>
    Effect.gen(function*() {
      let longest = 0
      const result = yield* Arbitrary.checkEffect(
        operations,
        (operations) => {
          const queue = make<number>()
          const model: Array<number> = []
          let pushed = 0
          for (const [operation, count] of operations) {
            for (let time = 0; time < count; time++) {
              if (operation === 0) {
                queue.push(++pushed)
                model.push(pushed)
              } else if (queue.shift() !== model.shift()) {
                assert.fail("another value than the array's")
              }
              if (queue.size() !== model.length || queue.peek() !== model[0]) assert.fail("another state")
            }
            longest = Math.max(longest, model.length)
          }
          while (model.length > 0) if (queue.shift() !== model.shift()) assert.fail("another rest")
          assert.deepStrictEqual([queue.size(), queue.shift()], [0, undefined])
          return true
        },
        { seed, runs: 300, size: 60 }
      )
      assert.isUndefined(Arbitrary.formatCheckFailure(result))
      assert.isAbove(longest, 8192)
    }))

  it("keeps the order of a million values, all at once or as they come", () => {
    const count = 1_000_000
    const queue = make<number>()
    for (let value = 0; value < count; value++) queue.push(value)
    for (let value = 0; value < count; value++) if (queue.shift() !== value) assert.fail(`not ${value}`)
    for (let value = 0; value < 5000; value++) queue.push(value)
    for (let value = 5000; value < count; value++) {
      queue.push(value)
      if (queue.shift() !== value - 5000) assert.fail(`not ${value - 5000}`)
    }
    assert.strictEqual(queue.size(), 5000)
  })

  it("stays as small as what is in it, however much passes through", () => {
    const heap = () => {
      collectGarbage()
      return process.memoryUsage().heapUsed
    }
    const queue = make<number>()
    for (let value = 0; value < 100; value++) queue.push(value)
    const before = heap()
    for (let value = 0; value < 8_000_000; value++) {
      queue.push(value)
      queue.shift()
    }
    assert.isBelow(heap() - before, 10_000_000)
    assert.strictEqual(queue.size(), 100)
  })

  it("lets go of what was taken from it", async () => {
    const queue = make<object>()
    const references = Array.from({ length: 3 }, () => {
      const value = {}
      queue.push(value)
      return new WeakRef(value)
    })
    queue.shift()
    // A reference holds what it refers to until the end of the turn that made it.
    await new Promise((resolve) => setImmediate(resolve))
    collectGarbage()
    assert.deepStrictEqual(references.map((reference) => reference.deref() === undefined), [true, false, false])
    assert.strictEqual(queue.size(), 2)
  })
})
