import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Layer, Metric, Scope } from "effect"
import { TestClock } from "effect/testing"
import { closeSync, lstatSync, openSync, readdirSync } from "node:fs"
import { performance } from "node:perf_hooks"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import * as FiberRegistry from "../../src/layers/FiberRegistry.ts"
import * as ProcessMetrics from "../../src/layers/ProcessMetrics.ts"
import * as Stopwatch from "../../src/layers/Stopwatch.ts"

const registry = Layer.sync(Metric.MetricRegistry, () => new Map())

const layer = ProcessMetrics.layer.pipe(
  Layer.provideMerge(FiberRegistry.layer({ list: false })),
  Layer.provideMerge(registry)
)

/** Every series as a number, by name and kind. */
const read = Effect.map(
  Metric.snapshot,
  (snapshot) =>
    new Map(snapshot.map(({ attributes, id, state }) => [
      attributes?.["kind"] === undefined ? id : `${id}{${attributes["kind"]}}`,
      "value" in state ? Number(state.value) : "count" in state ? Number(state.count) : Number.NaN
    ]))
)

const valueOf = (name: string) => Effect.map(read, (values) => values.get(name) ?? Number.NaN)

/** Takes turns of the real event loop until the condition holds; the test's own time-out is the limit. */
const turnsUntil = (condition: Effect.Effect<boolean>) =>
  Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve))).pipe(
    Effect.andThen(condition),
    Effect.repeat({ until: (held) => held })
  )

/** What is watched from a second on. */
const watching = TestClock.adjust("1 second")

/** From then on the layer's own fibers are as many as they stay. */
const diskKnown = Effect.andThen(
  watching,
  turnsUntil(Effect.map(read, (values) => values.has("keelson_disk_free_bytes")))
)

const work = (milliseconds: number) => {
  const end = performance.now() + milliseconds
  while (performance.now() < end);
}

setFlagsFromString("--expose-gc")
const collect = runInNewContext("gc") as () => void

describe("ProcessMetrics", () => {
  it.effect("has everything of the process under the names of Prometheus' client, and nothing once closed", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(layer, scope)
      yield* Effect.gen(function*() {
        yield* diskKnown
        const values = yield* read
        const kinds = ["incremental", "major", "minor", "weakcb"]
        assert.deepStrictEqual([...values.keys()].sort(), [
          "keelson_disk_free_bytes",
          "keelson_disk_total_bytes",
          "keelson_fibers",
          "nodejs_eventloop_lag_max_seconds",
          "nodejs_eventloop_lag_p50_seconds",
          "nodejs_eventloop_lag_p99_seconds",
          "nodejs_eventloop_utilization_ratio",
          "nodejs_external_memory_bytes",
          ...kinds.map((kind) => `nodejs_gc_duration_seconds_total{${kind}}`),
          ...kinds.map((kind) => `nodejs_gc_runs_total{${kind}}`),
          "nodejs_heap_size_total_bytes",
          "nodejs_heap_size_used_bytes",
          "process_cpu_seconds_total",
          "process_cpu_utilization_ratio",
          ...(process.platform === "linux" ? ["process_open_fds"] : []),
          "process_resident_memory_bytes",
          "process_uptime_seconds"
        ])
        for (const [name, value] of values) assert.isTrue(Number.isFinite(value) && value >= 0, `${name} ${value}`)
        yield* Scope.close(scope, Exit.void)
        assert.strictEqual((yield* read).size, 0)
      }).pipe(Effect.provideContext(context))
    }))

  it.effect("reads memory when it is asked", () =>
    Effect.gen(function*() {
      const before = yield* read
      const kept = Buffer.alloc(64 * 2 ** 20, 1)
      const after = yield* read
      const rise = (name: string) => (after.get(name) ?? NaN) - (before.get(name) ?? NaN)
      assert.isAtLeast(rise("nodejs_external_memory_bytes"), kept.length / 2)
      assert.isAbove(after.get("process_resident_memory_bytes") ?? NaN, 2 ** 20)
      assert.isAtLeast(
        after.get("nodejs_heap_size_total_bytes") ?? NaN,
        after.get("nodejs_heap_size_used_bytes") ?? NaN
      )
      assert.isAbove(after.get("nodejs_heap_size_used_bytes") ?? NaN, 2 ** 20)
    }).pipe(Effect.provide(layer)))

  // What is watched is of a window, whatever the life before it was.
  const endless = Effect.acquireRelease(
    Effect.sync(() => {
      const { uptime } = process
      process.uptime = () => Number.POSITIVE_INFINITY
      return uptime
    }),
    (uptime) =>
      Effect.sync(() => {
        process.uptime = uptime
      })
  )

  it.effect.each([["at once", Effect.void], ["when it is watched", Effect.andThen(watching, endless)]] as const)(
    "counts CPU time and how busy the process is, %s",
    ([, begin]) =>
      Effect.gen(function*() {
        yield* begin
        const before = yield* valueOf("process_cpu_seconds_total")
        const started = process.cpuUsage()
        do work(10)
        while (process.cpuUsage(started).user < 20_000)
        assert.isAtLeast((yield* valueOf("process_cpu_seconds_total")) - before, 0.02)
        assert.isAbove(yield* valueOf("process_cpu_utilization_ratio"), 0)
        yield* turnsUntil(Effect.map(valueOf("nodejs_eventloop_utilization_ratio"), (ratio) => ratio > 0))
        assert.isAtMost(yield* valueOf("nodejs_eventloop_utilization_ratio"), 1)
      }).pipe(Effect.provide(layer))
  )

  it.effect("has requests timed by Node's performance from then on", () =>
    Effect.gen(function*() {
      yield* watching
      const { hrtime } = process
      process.hrtime = Object.assign(() => assert.fail("the slower clock"), { bigint: hrtime.bigint })
      try {
        assert.isAbove(Stopwatch.now(), 0)
      } finally {
        process.hrtime = hrtime
      }
    }).pipe(Effect.provide(layer)))

  it.effect("sees an event loop that is held up", () =>
    Effect.gen(function*() {
      yield* watching
      yield* turnsUntil(Effect.suspend(() => {
        work(60)
        return Effect.map(valueOf("nodejs_eventloop_lag_max_seconds"), (lag) => lag >= 0.03)
      }))
      const values = yield* read
      const lag = (name: string) => values.get(`nodejs_eventloop_lag_${name}_seconds`) ?? NaN
      assert.isAtMost(lag("p50"), lag("p99"))
      assert.isAtMost(lag("p99"), lag("max"))
    }).pipe(Effect.provide(layer)))

  it.effect("counts garbage collections by kind and times them", () =>
    Effect.gen(function*() {
      yield* watching
      const before = yield* read
      collect()
      const more = (name: string) => Effect.map(valueOf(name), (value) => value > (before.get(name) ?? NaN))
      yield* turnsUntil(more("nodejs_gc_runs_total{major}"))
      assert.isTrue(yield* more("nodejs_gc_duration_seconds_total{major}"))
    }).pipe(Effect.provide(layer)))

  it.effect.runIf(process.platform === "linux")(
    "counts open file descriptors, not its own",
    () =>
      Effect.gen(function*() {
        const before = yield* valueOf("process_open_fds")
        const opened = yield* Effect.acquireRelease(
          Effect.sync(() => Array.from({ length: 5 }, () => openSync("/dev/null", "r"))),
          (descriptors) => Effect.sync(() => descriptors.forEach((descriptor) => closeSync(descriptor)))
        )
        assert.strictEqual(yield* valueOf("process_open_fds"), before + opened.length)
        const stillOpen = readdirSync("/proc/self/fd").filter((name) =>
          lstatSync(`/proc/self/fd/${name}`, { throwIfNoEntry: false }) !== undefined
        )
        assert.strictEqual(yield* valueOf("process_open_fds"), stillOpen.length)
      }).pipe(Effect.provide(layer))
  )

  it.effect("keeps the last value of what cannot be read any more", () =>
    Effect.gen(function*() {
      const last = yield* valueOf("process_resident_memory_bytes")
      const { rss } = process.memoryUsage
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          process.memoryUsage.rss = () => {
            throw new Error("EMFILE")
          }
        }),
        () =>
          Effect.sync(() => {
            process.memoryUsage.rss = rss
          })
      )
      assert.strictEqual(yield* valueOf("process_resident_memory_bytes"), last)
    }).pipe(Effect.provide(layer)))

  it.effect("counts live fibers of every kind, and not those that ended in any way", () =>
    Effect.gen(function*() {
      yield* diskKnown
      yield* TestClock.adjust(0)
      const before = yield* valueOf("keelson_fibers")
      const gate = yield* Deferred.make<void>()
      const waiting = yield* Effect.all(Array.from({ length: 25 }, () => Effect.forkChild(Deferred.await(gate))))
      const detached = yield* Effect.forkDetach(Effect.never)
      assert.strictEqual(yield* valueOf("keelson_fibers"), before + 26)
      yield* Effect.exit(Fiber.join(yield* Effect.forkChild(Effect.die("gone"))))
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.awaitAll(waiting)
      yield* Fiber.interrupt(detached)
      assert.strictEqual(yield* valueOf("keelson_fibers"), before)
    }).pipe(Effect.provide(layer)))

  it.effect("has no fiber metric where fibers are not counted", () =>
    Effect.gen(function*() {
      assert.isFalse((yield* read).has("keelson_fibers"))
    }).pipe(Effect.provide(ProcessMetrics.layer.pipe(Layer.provideMerge(registry)))))
})

describe("overlapping windows", () => {
  it.effect("have always seen the last one to two intervals, whoever reads them", () =>
    Effect.gen(function*() {
      let second = 0
      let open = 0
      yield* Effect.scoped(Effect.gen(function*() {
        const current = yield* ProcessMetrics.overlapping({
          interval: "60 seconds",
          open: () => {
            let since = second
            open++
            return {
              restart: () => {
                since = second
              },
              close: () => {
                open--
              },
              age: () => second - since
            }
          }
        })
        const ages: Array<number> = []
        for (second = 1; second <= 600; second++) {
          yield* TestClock.adjust("1 second")
          ages.push(current().age())
        }
        assert.deepStrictEqual(ages.slice(0, 119), Array.from({ length: 119 }, (_, index) => index + 1))
        assert.strictEqual(Math.min(...ages.slice(119)), 60)
        assert.strictEqual(Math.max(...ages), 119)
        assert.strictEqual(open, 2)
      }))
      assert.strictEqual(open, 0)
    }))
})
