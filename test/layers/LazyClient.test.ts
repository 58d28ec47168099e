import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { setImmediate } from "node:timers/promises"
import * as LazyClient from "../../src/layers/LazyClient.ts"

const makeControlled = () => {
  const made: Array<{ readonly number: number; closed: boolean; readonly close: () => void }> = []
  const connect = async () => {
    const client = { number: made.length + 1, closed: false, close: () => void (client.closed = true) }
    made.push(client)
    return client
  }
  return { made, connect }
}

const failing = (name: string) => () => Promise.reject(Object.assign(new Error(name), { name }))

describe("a lazy client", () => {
  it.effect("is made once, when it is first used, and closed with the scope", () =>
    Effect.gen(function*() {
      const { connect, made } = makeControlled()
      yield* Effect.scoped(Effect.gen(function*() {
        const client = yield* LazyClient.make(connect)
        assert.strictEqual(made.length, 0)
        const numbers = yield* Effect.all([1, 2, 3].map(() => client.use(async ({ number }) => number)), {
          concurrency: "unbounded"
        })
        assert.deepStrictEqual(numbers, [1, 1, 1])
        assert.isFalse(made[0]?.closed)
      }))
      yield* Effect.promise(() => setImmediate())
      assert.isTrue(made[0]?.closed)
    }))

  it.effect("is made anew after its credentials were refused, knowing the one before, and not after other failures", () =>
    Effect.gen(function*() {
      const { connect, made } = makeControlled()
      const before: Array<number | undefined> = []
      const client = yield* LazyClient.make((previous: typeof made[number] | undefined) => {
        before.push(previous?.number)
        return connect()
      })
      yield* Effect.flip(client.use(failing("ThrottlingException")))
      assert.strictEqual(yield* client.use(async ({ number }) => number), 1)
      yield* Effect.flip(client.use(failing("ExpiredTokenException")))
      assert.strictEqual(yield* client.use(async ({ number }) => number), 2)
      assert.deepStrictEqual(before, [undefined, 1])
      assert.isFalse(made[0]?.closed, "its other requests may be under way")
    }))

  it.effect("is made anew after a request hung, since all others may wait for the same", () =>
    Effect.gen(function*() {
      const { connect } = makeControlled()
      const client = yield* LazyClient.make(connect)
      const hanging = yield* Effect.forkChild(client.use(() => new Promise<never>(() => {})))
      yield* Effect.promise(() => setImmediate())
      yield* Fiber.interrupt(hanging)
      assert.strictEqual(yield* client.use(async ({ number }) => number), 2)
    }))

  it.effect("that cannot be made has sent nothing, and is tried again", () =>
    Effect.gen(function*() {
      const { connect } = makeControlled()
      let attempts = 0
      const client = yield* LazyClient.make(() => ++attempts === 1 ? Promise.reject(new Error("no module")) : connect())
      const error = yield* Effect.flip(client.use(async () => 1))
      assert.deepInclude(error, { kind: "transient", ambiguous: false, message: "Error: no module" })
      assert.strictEqual(yield* client.use(async ({ number }) => number), 1)
    }))
})
