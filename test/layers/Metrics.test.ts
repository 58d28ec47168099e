import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Duration, Effect, Exit, Fiber, Layer, Metric, Random, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as Logger from "../../src/layers/Logger.ts"
import * as Metrics from "../../src/layers/Metrics.ts"
import * as Environment from "../../src/services/Environment.ts"
import * as HttpMetrics from "../../src/services/HttpMetrics.ts"
import * as Logs from "../../src/services/Logs.ts"
import * as LogSink from "../../src/services/LogSink.ts"
import * as MetricSeries from "../../src/services/MetricSeries.ts"
import * as MetricSink from "../../src/services/MetricSink.ts"
import * as Recent from "../../src/services/Recent.ts"
import { Settings } from "../../src/services/Settings.ts"

const registry = Layer.sync(Metric.MetricRegistry, () => new Map())

const layer = Metrics.layer.pipe(
  Layer.provideMerge(Layer.mergeAll(Recent.layer, MetricSink.layerMemory, Environment.layerMemory)),
  Layer.provideMerge(registry)
)

/** The loop over a sink of the test's own, with the log lines it writes in memory. */
const layerTo = (put: MetricSink.MetricSink["Service"]["put"], recent = Recent.layer) =>
  Layer.fresh(Metrics.layer).pipe(
    Layer.provideMerge(Layer.succeed(MetricSink.MetricSink, { put })),
    Layer.provideMerge(Logger.layer),
    Layer.provideMerge(Logs.layer),
    Layer.provideMerge(Layer.mergeAll(recent, LogSink.layerMemory, Environment.layerMemory, registry))
  )

const settingsWith = (metricsInterval: Duration.Duration) =>
  Effect.map(Settings, (settings) => ({ ...settings, metricsInterval }))

const refusal = () => Effect.fail(new MetricSink.MetricSinkError({ message: "no", cause: undefined }))

const countOf = (name: string) =>
  Effect.map(Metric.snapshot, (snapshot) => snapshot.find(({ id }) => id === name)?.state)

describe("Metrics", () => {
  it.effect("posts an app's own metrics without registration, a second after the start and each interval", () =>
    Effect.gen(function*() {
      const { datums } = yield* MetricSink.MetricSinkMemory
      const orders = Metric.counter("orders_total", { incremental: true })
      yield* Metric.update(orders, 2)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(datums.map(({ name, values }) => [name, values]), [["orders_total", [2]]])
      yield* Metric.update(orders, 5)
      yield* TestClock.adjust("60 seconds")
      assert.deepStrictEqual(datums.map(({ values }) => values), [[2], [5]])
    }).pipe(Effect.provide(layer)))

  it.effect("posts once what a series counted while its hook threw", () =>
    Effect.gen(function*() {
      const { datums } = yield* MetricSink.MetricSinkMemory
      const { post } = yield* Metrics.Metrics
      let count = 1000
      let broken = false
      Metric.registerUnsafe(Metric.counter("queries_total", { incremental: true }), yield* Effect.context<never>(), {
        get: () => {
          if (broken) throw new Error("the pool is being replaced")
          return { count, incremental: true as const }
        },
        update: () => {},
        modify: () => {}
      })
      yield* post
      for (const step of [true, false]) {
        broken = step
        count += 5
        yield* post
      }
      const posted = datums.filter(({ name }) => name === "queries_total").flatMap(({ values }) => values)
      assert.deepStrictEqual(posted, [1000, 10])
    }).pipe(Effect.provide(layer)))

  it.effect("posts at a second of its own in each interval", () =>
    Effect.gen(function*() {
      const { datums } = yield* MetricSink.MetricSinkMemory
      const gauge = Metric.gauge("now")
      for (let second = 0; second < 300; second++) {
        yield* Metric.update(gauge, second)
        yield* TestClock.adjust("1 second")
      }
      const late = datums.slice(1).map(({ timestamp }) => timestamp % 60_000)
      assert.isAtLeast(late.length, 4)
      assert.strictEqual(new Set(late.map((delay) => Math.round(delay / 1000))).size, 1)
    }).pipe(Effect.provide(layer)))

  it.effect("spreads the posts of a fleet on AWS over the whole interval, the first ones too", () =>
    Effect.gen(function*() {
      const seconds: Array<number> = []
      for (let process = 0; process < 200; process++) {
        yield* Effect.gen(function*() {
          const context = yield* Layer.build(Layer.fresh(Metrics.layer))
          const { datums } = yield* MetricSink.MetricSinkMemory
          yield* Metric.update(Metric.gauge("now"), 1)
          const startedAt = yield* Clock.currentTimeMillis
          yield* TestClock.adjust("60 seconds")
          assert.strictEqual(datums.length, 1)
          seconds.push(((datums[0]?.timestamp ?? 0) - startedAt) / 1000)
          return context
        }).pipe(
          Effect.provide(Layer.mergeAll(
            Recent.layer,
            MetricSink.layerMemory,
            registry,
            Layer.succeed(Environment.Environment, { kind: "ec2", instance: `i-${process}` })
          )),
          Effect.scoped
        )
      }
      const tenths = new Set(seconds.map((second) => Math.floor(second / 6)))
      assert.strictEqual(tenths.size, 10, `${seconds.map(Math.round)}`)
    }).pipe(Random.withSeed("fleet")))

  it.effect("posts later in one process than in another", () =>
    Effect.gen(function*() {
      const delays = new Set<number>()
      for (const seed of ["one", "another"]) {
        yield* Effect.gen(function*() {
          const { datums } = yield* MetricSink.MetricSinkMemory
          const gauge = Metric.gauge("now")
          yield* TestClock.adjust("2 seconds")
          yield* Metric.update(gauge, 1)
          yield* TestClock.adjust("2 minutes")
          delays.add((datums[0]?.timestamp ?? 0) % 60_000)
        }).pipe(Effect.provide(Layer.fresh(layer)), Random.withSeed(seed))
      }
      assert.strictEqual(delays.size, 2)
    }))

  it.effect("keeps the last ten metrics, the app's own last", () =>
    Effect.gen(function*() {
      const metrics = yield* Metrics.Metrics
      const recent = yield* Recent.Recent
      for (let index = 0; index < 9; index++) yield* Metric.update(Metric.counter(`m${index}`), 1)
      for (let index = 0; index < 9; index++) yield* Metric.update(Metric.counter(`process_${index}`), 1)
      yield* Metric.update(Metric.counter("http_server_requests_total"), 1)
      yield* metrics.post
      assert.deepStrictEqual(
        recent.metrics.values().map(({ name }) => name),
        ["http_server_requests_total", "m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8"]
      )
    }).pipe(Effect.provide(layer)))

  it.effect("posts once more when the scope closes", () =>
    Effect.gen(function*() {
      const { datums } = yield* MetricSink.MetricSinkMemory
      yield* Effect.scoped(Effect.gen(function*() {
        yield* Layer.build(Layer.fresh(Metrics.layer))
        yield* Metric.update(Metric.counter("last"), 1)
      }))
      assert.deepStrictEqual(datums.map(({ name }) => name), ["last"])
    }).pipe(
      Effect.provide(Layer.mergeAll(Recent.layer, MetricSink.layerMemory, Environment.layerMemory, registry))
    ))

  it.effect("hands over each increase once, whoever asks for a post at the same time", () =>
    Effect.gen(function*() {
      const metrics = yield* Metrics.Metrics
      const { datums } = yield* MetricSink.MetricSinkMemory
      yield* Metric.update(Metric.counter("n"), 3)
      yield* Effect.all(Array.from({ length: 20 }, () => metrics.post), { concurrency: "unbounded" })
      assert.deepStrictEqual(datums.map(({ values }) => values), [[3]])
    }).pipe(Effect.provide(layer)))

  it.effect("goes on after a sink that failed or broke, counts what it did not take, and logs it now and then", () => {
    let puts = 0
    let refused = 0
    return Effect.gen(function*() {
      const { events } = yield* LogSink.LogSinkMemory
      const gauge = Metric.gauge("g")
      for (let minute = 0; minute < 9; minute++) {
        yield* Metric.update(gauge, minute)
        yield* TestClock.adjust("1 minute")
      }
      assert.isAtLeast(puts, 8)
      const lines = events.map(({ line }) => JSON.parse(line) as { message: string; level: string; datums: number })
      assert.deepStrictEqual(
        lines.map(({ level, message }) => [level, message]),
        [["WARN", "metrics were not posted"], ["WARN", "metrics were not posted"]]
      )
      assert.strictEqual(lines[0]?.datums, 1)
      assert.isAbove(lines[1]?.datums ?? 0, 4)
      assert.deepInclude(yield* countOf("keelson_metric_datums_lost_total"), { count: refused })
    }).pipe(Effect.provide(layerTo((datums) => {
      puts++
      refused += datums.length
      if (puts % 2 === 0) throw new Error("broken")
      return refusal()
    })))
  })

  it.effect("waits no longer than 5 seconds for a sink that hangs, also at the end", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const reached = yield* Deferred.make<void>()
      const hanging = layerTo(() => Effect.andThen(Deferred.succeed(reached, undefined), Effect.never))
      const context = yield* Layer.buildWithScope(hanging, scope)
      yield* Effect.provideContext(Metric.update(Metric.counter("n"), 1), context)
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* Deferred.await(reached)
      yield* TestClock.adjust("4 seconds")
      assert.isUndefined(closing.pollUnsafe())
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(closing)
      assert.deepInclude(yield* Effect.provideContext(countOf("keelson_metric_datums_lost_total"), context), {
        count: 1
      })
    }))

  it.effect("posts and shows the others when one cannot be read, and counts it", () =>
    Effect.gen(function*() {
      const metrics = yield* Metrics.Metrics
      const { datums } = yield* MetricSink.MetricSinkMemory
      Metric.registerUnsafe(Metric.gauge("broken"), yield* Effect.context<never>(), {
        get: () => {
          throw new Error("gone")
        },
        update: () => {},
        modify: () => {}
      })
      yield* Metric.update(Metric.gauge("nan"), Number.NaN)
      yield* Metric.update(Metric.counter("good"), 1)
      yield* metrics.post
      assert.deepStrictEqual(datums.map(({ name }) => name), ["good"])
      const text = yield* metrics.prometheus
      assert.include(text, "\ngood 1\n")
      assert.include(text, "\nkeelson_metric_values_dropped_total 2\n")
    }).pipe(Effect.provide(layer)))

  for (const state of [undefined, null, {}, { value: Symbol("s"), count: Symbol("s"), occurrences: 1 }]) {
    it.effect(`posts and shows the others while hooks give ${JSON.stringify(state)}`, () =>
      Effect.gen(function*() {
        const metrics = yield* Metrics.Metrics
        const { datums } = yield* MetricSink.MetricSinkMemory
        const broken: ReadonlyArray<Metric.Metric<any, any>> = [
          Metric.gauge("a"),
          Metric.counter("b"),
          Metric.frequency("c"),
          Metric.histogram("d", { boundaries: [1] }),
          Metric.summary("e", { maxAge: "1 minute", maxSize: 1, quantiles: [0.5] })
        ]
        const context = yield* Effect.context<never>()
        for (const metric of broken) {
          Metric.registerUnsafe(metric, context, {
            get: () => state,
            update: () => {},
            modify: () => {}
          })
        }
        const good = Metric.counter("good")
        for (let minute = 1; minute <= 3; minute++) {
          yield* Metric.update(good, minute)
          yield* TestClock.adjust("1 minute")
        }
        const posted = datums.filter(({ name }) => name === "good").flatMap(({ values }) => values)
        assert.strictEqual(posted.reduce((sum, value) => sum + value, 0), 6)
        for (const text of [yield* metrics.prometheus, yield* metrics.openMetrics]) {
          assert.match(text, /\ngood(_total)? 6\n/)
        }
      }).pipe(Effect.provide(layer)))
  }

  it.effect("goes on after what changed could not be taken, and says so", () => {
    const posted: Array<MetricSink.Datum> = []
    let broken = true
    const push = () => {
      if (broken) throw new Error("broken")
    }
    const recent = Layer.succeed(Recent.Recent, {
      logs: Recent.makeRing<LogSink.LogEvent>(1),
      metrics: { push, values: () => [] }
    })
    return Effect.gen(function*() {
      const { events } = yield* LogSink.LogSinkMemory
      const gauge = Metric.gauge("g")
      for (let minute = 0; minute < 4; minute++) {
        broken = minute < 2
        yield* Metric.update(gauge, minute)
        yield* TestClock.adjust("1 minute")
      }
      assert.deepStrictEqual(posted.filter(({ name }) => name === "g").map(({ values }) => values), [[2], [3]])
      assert.deepStrictEqual(events.map(({ line }) => (JSON.parse(line) as { message: string }).message), [
        "metrics were not posted"
      ])
    }).pipe(Effect.provide(layerTo((datums) => Effect.sync(() => void posted.push(...datums)), recent)))
  })

  it.effect("keeps a metric with a label without bound within the limit, counts what is beyond, and says so once", () => {
    const posted: Array<MetricSink.Datum> = []
    return Effect.gen(function*() {
      const metrics = yield* Metrics.Metrics
      const { events } = yield* LogSink.LogSinkMemory
      const offer = Effect.forEach(
        Array.from({ length: MetricSeries.limits.metric + 500 }, (_, user) => `user-${user}`),
        (user) => Metric.update(Metric.counter("orders_total", { incremental: true, attributes: { user } }), 1),
        { discard: true }
      )
      yield* offer
      yield* metrics.post
      assert.strictEqual(posted.length, MetricSeries.limits.metric + 2)
      const overflow = posted.find(({ dimensions }) => dimensions[MetricSeries.overflow] === "true")
      assert.deepInclude(overflow, { name: "orders_total", values: [500] })
      yield* offer
      const text = yield* metrics.prometheus
      assert.include(text, "\norders_total{otel_metric_overflow=\"true\"} 1000\n")
      assert.include(text, "\nkeelson_metric_updates_overflowed_total 1000\n")
      yield* metrics.post
      const lines = events.map(({ line }) => JSON.parse(line) as { message: string; metrics: unknown })
      assert.deepStrictEqual(lines.map(({ metrics }) => metrics), [["orders_total"]])
      assert.include(lines[0]?.message, "label without bound")
    }).pipe(Effect.provide(layerTo((datums) => Effect.sync(() => void posted.push(...datums)))))
  })

  it.effect("counts what no series was left for", () =>
    Effect.gen(function*() {
      const metrics = yield* Metrics.Metrics
      for (let name = 0; name < MetricSeries.limits.total + 5; name++) {
        yield* Metric.update(Metric.gauge(`name_${name}`), 1)
      }
      const text = yield* metrics.prometheus
      assert.include(text, "\nkeelson_metric_values_dropped_total 5\n")
    }).pipe(Effect.provide(layer)))

  it.effect("renders its registry as Prometheus text, whoever asks", () =>
    Effect.gen(function*() {
      const metrics = yield* Metrics.Metrics
      yield* Metric.update(Metric.counter("orders_total", { incremental: true, description: "Orders" }), 2)
      const text = yield* Effect.provideService(metrics.prometheus, Metric.MetricRegistry, new Map())
      assert.strictEqual(text, "# HELP orders_total Orders\n# TYPE orders_total counter\norders_total 2\n")
    }).pipe(Effect.provide(layer)))

  it.effect("renders HTTP durations with OpenTelemetry's bounds and posts them with finer ones", () =>
    Effect.gen(function*() {
      const metrics = yield* Metrics.Metrics
      const { datums } = yield* MetricSink.MetricSinkMemory
      const { bind } = yield* HttpMetrics.HttpMetrics
      const seconds = [0.0001, 0.005, 0.0051, 0.06, 0.06, 2, 9.99, 11, 70]
      for (const second of seconds) bind("orders.get", "GET").finished(200, second)
      yield* Metric.update(Metric.histogram("app_seconds", { boundaries: [1, 2] }), 1)
      const buckets = (yield* metrics.prometheus).split("\n").filter((line) => line.includes("_bucket{"))
      const labels = `operation="orders.get",http_request_method="GET",http_response_status_code="200"`
      const counted = (bound: number) => seconds.filter((second) => second <= bound).length
      assert.deepStrictEqual(buckets, [
        ...HttpMetrics.boundaries.map((bound) =>
          `http_server_request_duration_seconds_bucket{${labels},le="${bound}"} ${counted(bound)}`
        ),
        `http_server_request_duration_seconds_bucket{${labels},le="+Inf"} ${seconds.length}`,
        `app_seconds_bucket{le="1"} 1`,
        `app_seconds_bucket{le="2"} 1`,
        `app_seconds_bucket{le="+Inf"} 1`
      ])
      yield* metrics.post
      assert.strictEqual(datums.find(({ name }) => name === "http_server_request_duration_seconds")?.values.length, 8)
    }).pipe(Effect.provide(Layer.provideMerge(HttpMetrics.layer, layer))))

  it.effect("posts every second at most, however short the interval is set", () =>
    Effect.gen(function*() {
      const { datums } = yield* MetricSink.MetricSinkMemory
      const gauge = Metric.gauge("now")
      for (let tenth = 0; tenth < 100; tenth++) {
        yield* Metric.update(gauge, tenth)
        yield* TestClock.adjust("100 millis")
      }
      assert.isAtLeast(datums.length, 8)
      assert.isAtMost(datums.length, 12)
    }).pipe(Effect.provide(Layer.provide(layer, Layer.effect(Settings, settingsWith(Duration.zero))))))
})
