import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Tracer } from "effect"
import * as FiberDump from "../../src/layers/FiberDump.ts"
import * as FiberRegistry from "../../src/layers/FiberRegistry.ts"
import * as FiberStacks from "../../src/layers/FiberStacks.ts"
import { group } from "../../src/services/FiberDump.ts"
import { Operation } from "../../src/services/TraceContext.ts"

const stuck = Effect.fn("stuck")(function*() {
  yield* Effect.never
})

const waitsForStuck = Effect.gen(function*() {
  yield* stuck()
  return 1
})

describe("a look at the live fibers", () => {
  it.live("says where each stands, through the generators that wait for it, and what it belongs to", () =>
    Effect.gen(function*() {
      const span = Tracer.externalSpan({
        traceId: "0af7651916cd43dd8448eb211c80319c",
        spanId: "b7ad6b7169203331",
        annotations: Context.make(Operation, "orders.place")
      })
      const fibers = yield* Effect.forEach(
        Array.from({ length: 500 }, () => Effect.withParentSpan(waitsForStuck, span)),
        (effect) => Effect.forkDetach(effect, { startImmediately: true })
      )
      const found = (yield* FiberDump.take) ?? assert.fail("no list")
      assert.strictEqual(found.length, 501)
      const [first] = group(found)
      assert.deepInclude(first, { count: 500, running: 0, span: "stuck", operation: "orders.place" })
      const frames = first?.stack ?? []
      assert.deepStrictEqual(frames.map(({ file }) => file.endsWith("FiberDump.test.ts")), [true, true])
      assert.notStrictEqual(frames[0]?.line, frames[1]?.line)
      assert.strictEqual(found.at(-1)?.traceId, span.traceId)
      assert.strictEqual(found.filter(({ running }) => running).length, 1)
      yield* Fiber.interruptAll(fibers)
    }).pipe(Effect.provide(FiberRegistry.layer({ list: true }))))

  it.live("asks V8 about a thousand, and counts the others", () =>
    Effect.gen(function*() {
      const fibers = yield* Effect.forEach(
        Array.from({ length: 1_500 }, () => waitsForStuck),
        (effect) => Effect.forkDetach(effect, { startImmediately: true })
      )
      const found = (yield* FiberDump.take) ?? assert.fail("no list")
      assert.strictEqual(found.length, 1_501)
      assert.strictEqual(found.filter(({ stack }) => stack === undefined).length, 501)
      assert.isDefined(found.at(-1)?.stack)
      assert.deepStrictEqual(group(found).map(({ count }) => count).slice(0, 2), [1_000, 500])
      yield* Fiber.interruptAll(fibers)
    }).pipe(Effect.provide(FiberRegistry.layer({ list: true }))))

  it("does without a stack where Effect's is not what it was", () => {
    const fibers = [{}, { _stack: "changed" }, { _stack: [{ iterator: "changed" }] }]
    assert.deepStrictEqual(FiberStacks.read(fibers as never), [[], [], []])
  })

  it.live("is not there where no list is kept", () =>
    Effect.map(FiberDump.take, (found) => assert.isUndefined(found)).pipe(
      Effect.provide(FiberRegistry.layer({ list: false }))
    ))
})
