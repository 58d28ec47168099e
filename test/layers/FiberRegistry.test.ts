import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, References } from "effect"
import * as FiberRegistry from "../../src/layers/FiberRegistry.ts"
import { Fibers } from "../../src/services/Fibers.ts"

const listed = Effect.map(Effect.service(Fibers), (fibers) => fibers?.list?.() ?? [])
const live = Effect.map(Effect.service(Fibers), (fibers) => fibers?.live())

const both = Effect.gen(function*() {
  return [yield* live, (yield* listed).length]
})

describe("a registry of fibers", () => {
  it.live("lists those of every kind, and the one that runs it, until they end in any way", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* both, [1, 1])
      const gate = yield* Deferred.make<void>()
      const waiting = Deferred.await(gate)
      const fibers = [
        yield* Effect.forkChild(waiting, { startImmediately: true }),
        yield* Effect.forkDetach(waiting, { startImmediately: true }),
        yield* Effect.forkScoped(waiting, { startImmediately: true }),
        yield* Effect.forkDetach(Effect.andThen(waiting, Effect.fail("late")), { startImmediately: true }),
        yield* Effect.forkDetach(Effect.andThen(waiting, Effect.die("late")), { startImmediately: true }),
        yield* Effect.forkChild(Effect.never, { startImmediately: true })
      ]
      assert.deepStrictEqual(yield* both, [7, 7])
      const ids = new Set((yield* listed).map(({ fiber }) => fiber.id))
      assert.isTrue(fibers.every(({ id }) => ids.has(id)))
      yield* Fiber.interrupt(fibers[5] ?? assert.fail())
      assert.deepStrictEqual(yield* both, [6, 6])
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.awaitAll(fibers)
      assert.deepStrictEqual(yield* both, [1, 1])
    }).pipe(Effect.scoped, Effect.provide(FiberRegistry.layer({ list: true }))))

  it.live("is where it was after 10,000 fibers that were interrupted", () =>
    Effect.gen(function*() {
      for (let round = 0; round < 100; round++) {
        const fibers = yield* Effect.forEach(Array.from({ length: 100 }, () => Effect.never), (never) =>
          Effect.forkDetach(never))
        yield* Effect.yieldNow
        yield* Fiber.interruptAll(fibers)
      }
      assert.deepStrictEqual(yield* both, [1, 1])
    }).pipe(Effect.provide(FiberRegistry.layer({ list: true }))))

  it.live("knows since when each has been there", () =>
    Effect.gen(function*() {
      const before = Date.now()
      yield* Effect.forkChild(Effect.never, { startImmediately: true })
      for (const { since } of yield* listed) assert.isTrue(since >= before - 1_000 && since <= Date.now())
    }).pipe(Effect.provide(FiberRegistry.layer({ list: true }))))

  it.live("counts alone when told so", () =>
    Effect.gen(function*() {
      yield* Effect.forkChild(Effect.never, { startImmediately: true })
      assert.strictEqual(yield* live, 2)
      assert.isUndefined((yield* Fibers)?.list)
    }).pipe(Effect.provide(FiberRegistry.layer({ list: false }))))

  it.live("counts those that it cannot list", () =>
    Effect.gen(function*() {
      const unseen = Effect.provideService(Effect.never, References.PreventSchedulerYield, true)
      yield* Effect.forkChild(Effect.never, { startImmediately: true })
      const fiber = yield* Effect.provideService(
        Effect.forkDetach(unseen, { startImmediately: true }),
        References.PreventSchedulerYield,
        true
      )
      assert.deepStrictEqual(yield* both, [3, 2])
      yield* Effect.forkChild(Effect.never, { startImmediately: true })
      assert.deepStrictEqual(yield* both, [4, 3])
      yield* Fiber.interrupt(fiber)
    }).pipe(Effect.provide(FiberRegistry.layer({ list: true }))))

  it.live("lists every fiber where one was there before it, and is seen by chance", () =>
    Effect.gen(function*() {
      const building = yield* Effect.forkChild(Layer.build(FiberRegistry.layer({ list: true })))
      const context = yield* Fiber.join(building)
      yield* Effect.provideContext(
        Effect.gen(function*() {
          const unseen = yield* Effect.provideService(
            Effect.forkDetach(Effect.never, { startImmediately: true }),
            References.PreventSchedulerYield,
            true
          )
          yield* Effect.yieldNow
          yield* Fiber.interrupt(unseen)
          yield* Effect.forkChild(Effect.never, { startImmediately: true })
          yield* Effect.forkChild(Effect.never, { startImmediately: true })
          assert.deepStrictEqual(yield* both, [3, 3])
        }),
        context
      )
    }).pipe(Effect.scoped))
})
