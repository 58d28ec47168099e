import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Context, Deferred, Effect, Layer, Schema } from "effect"
import {
  check,
  type CheckOptions,
  Health,
  HealthReport,
  layerMemory,
  step,
  unknown,
  worst
} from "../../src/services/Health.ts"

const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000)

describe(`hysteresis (seed ${seed})`, () => {
  it.effect("changes only after as many results in a row as its limits say", () =>
    Effect.gen(function*() {
      const limit = Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 1, maximum: 5 })))
      const runs = Arbitrary.schema(
        Schema.Struct({ down: limit, up: limit, results: Schema.NonEmptyArray(Schema.Boolean) })
      )
      const result = yield* Arbitrary.checkEffect(runs, ({ down, results, up }) => {
        let state = unknown
        for (const [index, success] of results.entries()) {
          const before = state
          state = step(state, success, { down, up })
          if (index === 0) {
            assert.strictEqual(state.state, success ? "up" : "down")
            continue
          }
          const row = before.state === "up" ? down : up
          const last = results.slice(Math.max(0, index + 1 - row), index + 1)
          const against = before.state !== "up"
          const changes = last.length === row && last.every((value) => value === against)
          assert.strictEqual(state.state !== before.state, changes)
        }
        return true
      }, { seed, runs: 500 })
      assert.isUndefined(Arbitrary.formatCheckFailure(result))
    }))

  it.effect("counts the failures since the last success", () =>
    Effect.gen(function*() {
      const result = yield* Arbitrary.checkEffect(Arbitrary.schema(Schema.Array(Schema.Boolean)), (results) => {
        const state = results.reduce((state, success) => step(state, success, { down: 3, up: 2 }), unknown)
        assert.strictEqual(state.failures, results.length - 1 - results.lastIndexOf(true))
        return true
      }, { seed, runs: 200 })
      assert.isUndefined(Arbitrary.formatCheckFailure(result))
    }))
})

describe("worst", () => {
  it("is fail over warn over pass", () => {
    assert.strictEqual(worst([]), "pass")
    assert.strictEqual(worst(["pass", "warn"]), "warn")
    assert.strictEqual(worst(["warn", "fail", "pass"]), "fail")
  })
})

class Database extends Context.Service<Database, { readonly ping: Effect.Effect<string> }>()("test/Database") {}

/** A `Health` that hands over what is registered, to be run by the test. */
const registered = Effect.gen(function*() {
  const first = yield* Deferred.make<CheckOptions>()
  const layer = Layer.succeed(Health, {
    register: (options) => Deferred.succeed(first, options),
    report: () => ({ status: "pass", checks: {} }),
    status: () => "pass" as const
  })
  return { layer, options: Deferred.await(first) }
})

describe("check", () => {
  it.effect("registers an effect with the services of its layer", () =>
    Effect.gen(function*() {
      const { layer, options } = yield* registered
      yield* Layer.build(
        check({ name: "database", critical: false, check: Effect.flatMap(Database, ({ ping }) => ping) }).pipe(
          Layer.provide([layer, Layer.succeed(Database, { ping: Effect.succeed("pong") })])
        )
      )
      const { check: run, critical, name } = yield* options
      assert.deepStrictEqual({ name, critical, answer: yield* run }, {
        name: "database",
        critical: false,
        answer: "pong"
      })
    }))

  it.effect("releases what a run acquired when that run ends, not when the service does", () =>
    Effect.gen(function*() {
      const { layer, options } = yield* registered
      let open = 0
      const connection = Effect.acquireRelease(Effect.sync(() => ++open), () => Effect.sync(() => --open))
      yield* Layer.build(Layer.provide(check({ name: "pool", check: connection }), layer))
      const { check: run } = yield* options
      yield* run
      yield* run
      assert.strictEqual(open, 0)
    }))
})

describe("layerMemory", () => {
  it.effect("lists registered checks as passing without running them", () =>
    Effect.gen(function*() {
      const health = yield* Health
      yield* health.register({ name: "database", check: Effect.die("was run") })
      assert.strictEqual(health.status(), "pass")
      assert.deepStrictEqual(Schema.decodeUnknownSync(HealthReport)(health.report()), {
        status: "pass",
        checks: { database: [{ status: "pass", critical: true, consecutiveFailures: 0 }] }
      })
      yield* health.register({ name: "__proto__", check: Effect.void })
      assert.deepStrictEqual(Object.keys(health.report().checks), ["database", "__proto__"])
    }).pipe(Effect.provide(layerMemory)))
})
