/**
 * What the metrics of one request cost its caller, and one update of a bound metric, against the ways Effect's `Metric`
 * offers and prom-client; what a fork costs with
 * live fibers counted by nobody, by keelson and by Effect; what a reader of all process metrics waits for. All ways
 * alternate in one process; medians, and the ratio to the first.
 *
 * Run with `npm ci --prefix bench && node bench/metric-update.ts`.
 */
import { Context, Effect, Exit, Layer, Metric, Scope } from "effect"
import { PrometheusMetrics } from "effect/observability"
import { performance } from "node:perf_hooks"
import * as FiberRegistry from "../src/layers/FiberRegistry.ts"
import * as ProcessMetrics from "../src/layers/ProcessMetrics.ts"
import * as BucketHistogram from "../src/services/BucketHistogram.ts"
import * as HttpMetrics from "../src/services/HttpMetrics.ts"
import * as MetricBatch from "../src/services/MetricBatch.ts"
import * as MetricSeries from "../src/services/MetricSeries.ts"
import { makePromClient } from "./metric-peers.js"

const updates = 200_000
const forks = 20_000
const rounds = 21
const warmUp = 3

const seconds = Array.from({ length: 1024 }, (_, index) => (index % 97) / 30)
const statuses = [200, 200, 200, 404, 200, 200, 500, 200]

const median = (values: Array<number>) => values.sort((a, b) => a - b)[values.length >> 1]!

const compare = async (count: number, ways: Record<string, () => void | Promise<void>>) => {
  const times: Record<string, Array<number>> = {}
  for (let round = 0; round < rounds; round++) {
    for (const [name, way] of Object.entries(ways)) {
      const started = performance.now()
      await way()
      const took = performance.now() - started
      if (round >= warmUp) (times[name] ??= []).push(took * 1e6 / count)
    }
  }
  const nanoseconds = Object.entries(times).map(([name, list]) => [name, median(list)] as const)
  const base = nanoseconds[0]![1]
  for (const [name, value] of nanoseconds) {
    console.log(`  ${name.padEnd(52)} ${value.toFixed(1).padStart(8)} ns  ×${(value / base).toFixed(2)}`)
  }
}

const own = () => Context.make(Metric.MetricRegistry, new Map()).pipe(Context.add(Metric.CurrentMetricAttributes, {}))

const metrics = Context.get(
  Effect.runSync(Effect.scoped(Effect.provideContext(Layer.build(HttpMetrics.layer), own()))),
  HttpMetrics.HttpMetrics
)
const bound = metrics.bind("orders.get", "GET")

const boundaries = HttpMetrics.fineBoundaries
const attributes = { operation: "orders.get", method: "GET" }
const histogram = Metric.histogram("http_server_request_duration_seconds", { boundaries, attributes })
const counter = Metric.counter("http_server_requests_total", { attributes, incremental: true })
const gauge = Metric.gauge("http_server_active_requests", { attributes })
const small = own()
const kept = own()
MetricSeries.bound(Context.get(kept, Metric.MetricRegistry))

const promClient = makePromClient(attributes, HttpMetrics.boundaries)
const coarse = Metric.histogram("seconds", { boundaries: HttpMetrics.boundaries, attributes })
const durations = BucketHistogram.make(HttpMetrics.fineBoundaries)
console.log(`one update, Node ${process.version} (${updates} × ${rounds - warmUp}):`)
await compare(updates, {
  "prom-client: bound counter": () => {
    for (let i = 0; i < updates; i++) promClient.counter.inc(1)
  },
  "Metric: bound counter": () => {
    for (let i = 0; i < updates; i++) counter.updateUnsafe(1, small)
  },
  "prom-client: bound gauge": () => {
    for (let i = 0; i < updates; i++) promClient.gauge.set(i)
  },
  "Metric: bound gauge": () => {
    for (let i = 0; i < updates; i++) gauge.updateUnsafe(i, small)
  },
  "prom-client: bound histogram, 14 bounds": () => {
    for (let i = 0; i < updates; i++) promClient.histogram.observe(seconds[i & 1023]!)
  },
  "Metric: bound histogram, 14 bounds": () => {
    for (let i = 0; i < updates; i++) coarse.updateUnsafe(seconds[i & 1023]!, small)
  },
  "the same in keelson's registry": () => {
    for (let i = 0; i < updates; i++) coarse.updateUnsafe(seconds[i & 1023]!, kept)
  },
  "keelson: BucketHistogram, 175 bounds": () => {
    for (let i = 0; i < updates; i++) durations.record(seconds[i & 1023]!)
  }
})

console.log(`one request's metrics, per request (${updates} × ${rounds - warmUp}):`)
await compare(updates, {
  "keelson: started + finished": () => {
    for (let i = 0; i < updates; i++) {
      bound.started()
      bound.finished(statuses[i & 7]!, seconds[i & 1023]!)
    }
  },
  "Metric: bound histogram alone, one status": () => {
    for (let i = 0; i < updates; i++) histogram.updateUnsafe(seconds[i & 1023]!, small)
  },
  "Metric: bound gauge +1, histogram, counter, gauge -1": () => {
    for (let i = 0; i < updates; i++) {
      gauge.modifyUnsafe(1, small)
      histogram.updateUnsafe(seconds[i & 1023]!, small)
      counter.updateUnsafe(1, small)
      gauge.modifyUnsafe(-1, small)
    }
  },
  "Metric: histogram withAttributes status per call": () => {
    for (let i = 0; i < updates; i++) {
      Metric.withAttributes(histogram, { status: String(statuses[i & 7]) })
        .updateUnsafe(seconds[i & 1023]!, small)
    }
  }
})

const forkMany = Effect.gen(function*() {
  for (let fork = 0; fork < forks; fork++) yield* Effect.forkChild(Effect.void, { startImmediately: true })
})

const under = (layer: Layer.Layer<never>) => {
  const program = Effect.provide(forkMany, layer)
  return () => Effect.runPromise(program)
}

console.log(`one fork and its end (${forks} × ${rounds - warmUp}):`)
await compare(forks, {
  "uncounted": under(Metric.disableRuntimeMetricsLayer),
  "keelson: counted": under(FiberRegistry.layer({ list: false })),
  "keelson: counted and listed": under(FiberRegistry.layer({ list: true })),
  "Effect: enableRuntimeMetricsLayer": under(Metric.enableRuntimeMetricsLayer)
})

const scope = Effect.runSync(Scope.make())
const processMetrics = Effect.runSync(
  Layer.buildWithScope(ProcessMetrics.layer.pipe(Layer.provide(FiberRegistry.layer({ list: false }))), scope).pipe(
    Effect.provideContext(small),
    Effect.as(small)
  )
)

console.log("one reading of the whole registry, HTTP and process:")
await compare(1, {
  "Metric.snapshotUnsafe": () => void Metric.snapshotUnsafe(processMetrics),
  "the same as datums": () => void MetricBatch.make(Metric.snapshotUnsafe(processMetrics), new Map(), 0),
  "PrometheusMetrics.formatUnsafe": () => void PrometheusMetrics.formatUnsafe(processMetrics)
})
await Effect.runPromise(Scope.close(scope, Exit.void))
