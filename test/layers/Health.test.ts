import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Deferred, Effect, Layer, Redacted, Ref, Schema } from "effect"
import { TestClock } from "effect/testing"
import * as HealthLayer from "../../src/layers/Health.ts"
import * as Logger from "../../src/layers/Logger.ts"
import { check, Health, HealthReport } from "../../src/services/Health.ts"
import * as Logs from "../../src/services/Logs.ts"
import * as LogSink from "../../src/services/LogSink.ts"
import * as Recent from "../../src/services/Recent.ts"

const logging = Logger.layer.pipe(
  Layer.provideMerge(Logs.layer),
  Layer.provideMerge(Layer.merge(Recent.layer, LogSink.layerMemory))
)

const layer = Layer.merge(HealthLayer.layer, logging)

const settle = TestClock.adjust(0)
const next = TestClock.adjust("11 seconds")

describe("Health", () => {
  it.effect("passes with no checks", () =>
    Effect.gen(function*() {
      const health = yield* Health
      assert.deepStrictEqual(health.report(), { status: "pass", checks: {} })
    }).pipe(Effect.provide(layer)))

  it.effect("has checks of any name, and of one name", () =>
    Effect.gen(function*() {
      const health = yield* Health
      const names = ["constructor", "toString", "__proto__", "__proto__"]
      yield* Effect.forEach(names, (name) => health.register({ name, check: Effect.fail("down") }))
      yield* settle
      const { checks, status } = health.report()
      assert.strictEqual(status, "fail")
      assert.deepStrictEqual(Object.entries(checks).map(([name, reports]) => [name, reports.length]), [
        ["constructor", 1],
        ["toString", 1],
        ["__proto__", 2]
      ])
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.effect("warns before the first result and takes the first result at once", () =>
    Effect.gen(function*() {
      const health = yield* Health
      const gate = yield* Deferred.make<void, string>()
      yield* health.register({ name: "database", check: Deferred.await(gate) })
      assert.strictEqual(health.status(), "warn")
      assert.strictEqual(health.report().checks["database"]?.[0]?.output, "not checked yet")
      yield* settle
      yield* Deferred.fail(gate, "refused")
      yield* settle
      const report = health.report()
      assert.strictEqual(report.status, "fail")
      assert.strictEqual(report.checks["database"]?.[0]?.output, "refused")
      assert.strictEqual(report.checks["database"]?.[0]?.consecutiveFailures, 1)
      Schema.decodeUnknownSync(HealthReport)(report)
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.effect("goes down after three failures in a row and up after two successes, and logs both", () =>
    Effect.gen(function*() {
      const health = yield* Health
      const { events } = yield* LogSink.LogSinkMemory
      const ok = yield* Ref.make(true)
      yield* health.register({
        name: "queue",
        check: Effect.flatMap(Ref.get(ok), (ok) => ok ? Effect.void : Effect.fail(new Error("gone")))
      })
      yield* settle
      const look = () => [health.status(), health.report().checks["queue"]?.[0]?.output]
      const seen = [look()]
      yield* Ref.set(ok, false)
      for (let run = 0; run < 3; run++) {
        yield* next
        seen.push(look())
      }
      yield* Ref.set(ok, true)
      for (let run = 0; run < 2; run++) {
        yield* next
        seen.push(look())
      }
      assert.deepStrictEqual(seen, [
        ["pass", undefined],
        ["pass", undefined],
        ["pass", undefined],
        ["fail", "gone"],
        ["fail", "gone; 1 good since"],
        ["pass", undefined]
      ])
      const messages = events.map(({ level, line }) => [level, (JSON.parse(line) as { message: string }).message])
      assert.deepStrictEqual(messages, [["Warn", "check queue is down"], ["Info", "check queue is up"]])
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.effect("keeps the last twenty results of a check, oldest first", () =>
    Effect.gen(function*() {
      const health = yield* Health
      const runs = yield* Ref.make(0)
      yield* health.register({
        name: "queue",
        down: 99,
        check: Effect.flatMap(
          Ref.updateAndGet(runs, (n) => n + 1),
          (run) => run % 3 === 0 ? Effect.fail("every third") : Effect.void
        )
      })
      assert.notProperty(health.report().checks["queue"]?.[0], "history")
      yield* settle
      for (let run = 0; run < 24; run++) yield* next
      const last = yield* Ref.get(runs)
      assert.deepStrictEqual(
        health.report().checks["queue"]?.[0]?.history,
        Array.from({ length: 20 }, (_, index) => (last - 19 + index) % 3 === 0 ? "fail" : "pass")
      )
      Schema.decodeUnknownSync(HealthReport)(health.report())
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.effect("only warns when a check that is not critical is down", () =>
    Effect.gen(function*() {
      const health = yield* Health
      yield* health.register({ name: "mail", critical: false, check: Effect.die(new Error("boom")) })
      yield* settle
      assert.strictEqual(health.status(), "warn")
      assert.strictEqual(health.report().checks["mail"]?.[0]?.output, "boom")
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.effect("answers at once with twenty hanging checks, and fails them at their timeout", () =>
    Effect.gen(function*() {
      const health = yield* Health
      for (let index = 0; index < 20; index++) {
        yield* health.register({
          name: `hanging ${index}`,
          timeout: "1 second",
          check: index % 2 === 0 ? Effect.never : Effect.uninterruptible(Effect.never)
        })
      }
      yield* settle
      assert.strictEqual(Object.keys(health.report().checks).length, 20)
      assert.strictEqual(health.status(), "warn")
      yield* TestClock.adjust("1 second")
      const outputs = Object.values(health.report().checks).map(([report]) => report?.output)
      assert.deepStrictEqual(new Set(outputs), new Set(["no answer within 1s"]))
      assert.strictEqual(health.status(), "fail")
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.effect("goes down when a check that was up hangs, interruptible or not, and up when it is back", () =>
    Effect.gen(function*() {
      const health = yield* Health
      const gate = yield* Deferred.make<void>()
      const hangs = [["polite", Effect.never], ["stuck", Effect.uninterruptible(Deferred.await(gate))]] as const
      for (const [name, hang] of hangs) {
        const runs = yield* Ref.make(0)
        yield* health.register({
          name,
          check: Effect.flatMap(
            Ref.updateAndGet(runs, (n) => n + 1),
            (run) => run === 1 || Deferred.isDoneUnsafe(gate) ? Effect.void : hang
          )
        })
      }
      const statuses = () => Object.values(health.report().checks).map(([report]) => report?.status)
      yield* TestClock.adjust("14 seconds")
      assert.deepStrictEqual(statuses(), ["pass", "pass"])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(statuses(), ["fail", "fail"])
      assert.isAtLeast(health.report().checks["stuck"]?.[0]?.consecutiveFailures ?? 0, 3)
      yield* Deferred.succeed(gate, undefined)
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual(health.report().checks["stuck"]?.[0]?.status, "pass")
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.effect("warns of a passing result that is older than three intervals and the timeout, and says how old", () =>
    Effect.gen(function*() {
      let later = 0
      const clock = yield* Clock.Clock
      const context = yield* Layer.build(Layer.provide(
        Layer.fresh(HealthLayer.layer),
        Layer.succeed(Clock.Clock, {
          ...clock,
          currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe() + later
        })
      ))
      const health = Context.get(context, Health)
      yield* health.register({ name: "quiet", check: Effect.void })
      yield* settle
      later = 32_000
      assert.strictEqual(health.status(), "pass")
      later = 32_001
      assert.strictEqual(health.status(), "warn")
      assert.deepInclude(health.report().checks["quiet"]?.[0], {
        output: "no result for a while",
        ageMilliseconds: 32_001
      })
    }).pipe(Effect.scoped, Effect.provide(logging)))

  it.effect("says of every kind of failure a short message, never a stack nor a secret", () =>
    Effect.gen(function*() {
      const health = yield* Health
      const password = Redacted.make("hunter2")
      const hostile = {
        get message() {
          throw new Error("no message")
        }
      }
      const failures: Record<string, readonly [Effect.Effect<unknown, unknown>, string]> = {
        failed: [Effect.fail(new Error("refused")), "refused"],
        text: [Effect.fail("refused"), "refused"],
        tagged: [Effect.fail({ _tag: "Refused" }), "Refused"],
        died: [Effect.die(new TypeError("x is not a function")), "x is not a function"],
        threw: [
          Effect.sync(() => {
            throw new Error("thrown")
          }),
          "thrown"
        ],
        rejected: [Effect.promise(() => Promise.reject(new Error("rejected"))), "rejected"],
        interrupted: [Effect.interrupt, "All fibers interrupted without error"],
        aggregate: [
          Effect.fail(new AggregateError([new Error("::1 refused"), "127.0.0.1 refused"])),
          [
            "::1 refused",
            "127.0.0.1 refused"
          ].join("; ")
        ],
        stack: [Effect.fail(new Error("boom\n    at secret (/srv/app.ts:1:1)")), "boom"],
        secret: [Effect.fail(password), "the check failed"],
        secrets: [Effect.fail(new Error(`no such user ${String(password)}`)), "no such user <redacted>"],
        nothing: [Effect.fail(null), "the check failed"],
        hostile: [Effect.fail(hostile), "the check failed"],
        long: [Effect.fail("x".repeat(10_000)), `${"x".repeat(299)}…`]
      }
      for (const [name, [check]] of Object.entries(failures)) yield* health.register({ name, check })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(
        Object.entries(health.report().checks).map(([name, [report]]) => [name, report?.output]),
        Object.entries(failures).map(([name, [, output]]) => [name, output])
      )
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.effect("reports how long the last run took, when it ended and what the check is for", () =>
    Effect.gen(function*() {
      const health = yield* Health
      yield* health.register({ name: "slow", description: "the slow one", check: Effect.sleep("700 millis") })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(health.report(), {
        status: "pass",
        checks: {
          slow: [{
            status: "pass",
            critical: true,
            consecutiveFailures: 0,
            description: "the slow one",
            time: "1970-01-01T00:00:00.700Z",
            ageMilliseconds: 300,
            observedValue: 700,
            observedUnit: "ms",
            history: ["pass"]
          }]
        }
      })
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.effect("spreads the runs of many checks around their interval", () =>
    Effect.gen(function*() {
      const health = yield* Health
      const times: Array<number> = []
      for (let index = 0; index < 50; index++) {
        yield* health.register({
          name: `check ${index}`,
          check: Effect.map(Clock.currentTimeMillis, (now) => times.push(now))
        })
      }
      yield* settle
      assert.deepStrictEqual(times, Array.from({ length: 50 }, () => 0))
      yield* TestClock.adjust("11 seconds")
      const second = times.slice(50)
      assert.strictEqual(second.length, 50)
      assert.isAtLeast(Math.min(...second), 9_000)
      assert.isAbove(new Set(second).size, 25)
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.effect("interrupts a run that is too slow, or still going when the service ends", () =>
    Effect.gen(function*() {
      const interrupted: Array<string> = []
      const slow = (name: string) => Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted.push(name)))
      yield* Effect.scoped(Effect.gen(function*() {
        const health = yield* Health
        yield* health.register({ name: "slow", timeout: "1 second", check: slow("slow") })
        yield* health.register({ name: "going", timeout: "1 minute", check: slow("going") })
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual(interrupted, ["slow"])
      }))
      yield* settle
      assert.deepStrictEqual(interrupted, ["slow", "going"])
    }).pipe(Effect.provide(layer)))

  it.effect("never runs a check twice at the same time", () =>
    Effect.gen(function*() {
      const health = yield* Health
      const running = yield* Ref.make({ now: 0, most: 0, runs: 0 })
      const enter = Ref.update(running, ({ most, now, runs }) => ({
        now: now + 1,
        most: Math.max(most, now + 1),
        runs: runs + 1
      }))
      const leave = Ref.update(running, (state) => ({ ...state, now: state.now - 1 }))
      yield* health.register({
        name: "slow",
        timeout: "1 second",
        interval: "1 second",
        check: Effect.uninterruptible(enter.pipe(Effect.andThen(Effect.sleep("30 seconds")), Effect.andThen(leave)))
      })
      for (let second = 0; second < 100; second++) yield* TestClock.adjust("1 second")
      const { most, runs } = yield* Ref.get(running)
      assert.strictEqual(most, 1)
      assert.isAbove(runs, 1)
      yield* TestClock.adjust("1 minute")
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.effect("registers a check of an app as a layer, with its own services, for as long as the layer lives", () =>
    Effect.gen(function*() {
      const health = yield* Health
      yield* Effect.scoped(Effect.gen(function*() {
        yield* Layer.build(check({ name: "recent", check: Recent.Recent }))
        yield* settle
        assert.strictEqual(health.report().checks["recent"]?.[0]?.status, "pass")
      }))
      assert.deepStrictEqual(health.report().checks, {})
    }).pipe(Effect.provide(layer)))
})
