import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Result } from "effect"
import { syncBuiltinESMExports } from "node:module"
import * as Admin from "../../src/layers/Admin.ts"
import * as FiberRegistry from "../../src/layers/FiberRegistry.ts"
import { MicroserviceMemory } from "../../src/layers/Microservice.ts"
import type { Values } from "../../src/services/SettingDefinitions.ts"
import { resolve, Settings } from "../../src/services/Settings.ts"

const settings: Values = { ...Result.getOrThrow(resolve({ flags: {}, env: {} })), adminPort: 0 }

const layer = Admin.layer.pipe(
  Layer.provideMerge(MicroserviceMemory),
  Layer.provideMerge(Layer.mergeAll(Layer.succeed(Settings, settings), FiberRegistry.layer({ list: true })))
)

const run = <A, E>(effect: Effect.Effect<A, E, Admin.Admin>) => effect.pipe(Effect.scoped, Effect.provide(layer))

describe("/debug/", () => {
  const get = (path: string) =>
    Effect.flatMap(Admin.Admin, ({ url }) => Effect.promise(async () => (await fetch(`${url}${path}`)).json()))

  it.live("groups fibers, and finds the ones that leak, not 100 that come and go", () =>
    run(Effect.gen(function*() {
      const stuck = Effect.fn("leaky")(function*() {
        yield* Effect.never
      })
      const leaking = yield* Effect.forkChild(
        Effect.forever(Effect.andThen(Effect.forkDetach(stuck()), Effect.sleep("50 millis")))
      )
      const poll = Effect.fn("poll")(function*() {
        yield* Effect.sleep("300 millis")
      })
      const polling = yield* Effect.forEach(
        Array.from({ length: 100 }, (_, index) =>
          Effect.delay(
            Effect.forever(
              Effect.forkScoped(poll()).pipe(
                Effect.flatMap(Fiber.join),
                Effect.scoped
              )
            ),
            index * 3
          )),
        (poller) => Effect.forkChild(poller)
      )
      type Groups = ReadonlyArray<{ readonly span?: string; readonly count: number }>
      const leaked = Effect.map(
        get("/debug/fibers"),
        (groups) => (groups as Groups).find(({ span }) => span === "leaky")?.count ?? 0
      )
      while ((yield* leaked) < 3);
      const leaks = (yield* get("/debug/fibers?leaks=1&seconds=2")) as ReadonlyArray<{ group: { span: string } }>
      assert.deepStrictEqual(leaks.map(({ group }) => group.span), ["leaky"])
      assert.isAbove(yield* leaked, 20)
      yield* Fiber.interruptAll([leaking, ...polling])
    })))

  it.live("traces, measures the event loop, counts handles", () =>
    run(Effect.gen(function*() {
      const trace = (yield* get("/debug/trace?seconds=1")) as { traceEvents: ReadonlyArray<{ ph: string }> }
      const count = (ph: string) => trace.traceEvents.filter((event) => event.ph === ph).length
      assert.isAbove(count("B"), 0)
      assert.strictEqual(count("B"), count("E"))
      const loop = process.getBuiltinModule("node:perf_hooks")
      const { monitorEventLoopDelay } = loop
      const late = { enable: () => {}, disable: () => {}, mean: Number.NaN, percentile: (p: number) => p * 1e6 }
      loop.monitorEventLoopDelay = () => late as never
      syncBuiltinESMExports()
      const delays = yield* get("/debug/eventloop?seconds=1")
      loop.monitorEventLoopDelay = monitorEventLoopDelay
      syncBuiltinESMExports()
      assert.deepInclude(delays, { unit: "milliseconds", mean: 0, p50: 49, p100: 99 })
      assert.hasAllKeys(delays, [
        "unit",
        "seconds",
        "mean",
        "p50",
        "p90",
        "p99",
        "p99.9",
        "p100"
      ])
      assert.property(yield* get("/debug/handles"), "TCPServerWrap")
      const { url } = yield* Admin.Admin
      assert.strictEqual((yield* Effect.promise(() => fetch(`${url}/debug/nosuch`))).status, 404)
    })))
})
