import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Random from "effect/Random"
import { Environment } from "../services/Environment.ts"
import { renderedBoundaries } from "../services/HttpMetrics.ts"
import * as MetricBatch from "../services/MetricBatch.ts"
import { Bounds } from "../services/MetricBounds.ts"
import * as MetricSeries from "../services/MetricSeries.ts"
import { type Datum, MetricSink } from "../services/MetricSink.ts"
import * as PrometheusText from "../services/PrometheusText.ts"
import { Recent } from "../services/Recent.ts"
import { Settings } from "../services/Settings.ts"

/**
 * The metrics of the process as text and as datums.
 *
 * `prometheus` is the text exposition of the whole registry, with OpenTelemetry's buckets of HTTP durations, `openMetrics` the same in that format. `post`
 * hands over what changed since the last time; it never fails, and waits at most 5 seconds for the sink.
 *
 * @category services
 * @since 1.1.0
 */
export class Metrics extends Context.Service<Metrics, {
  readonly prometheus: Effect.Effect<string>
  readonly openMetrics: Effect.Effect<string>
  readonly post: Effect.Effect<void>
}>()("keelson/layers/Metrics") {}

const firstPost = "1 second"
const shortestInterval = 1000
const putTimeout = "5 seconds"
const logInterval = 300_000
const namesTold = 10

const dropped = Metric.counter("keelson_metric_values_dropped_total", {
  description: "Metric values that could not be read, that no sink can take, or for which no series was left",
  incremental: true
})

const overflowed = Metric.counter("keelson_metric_updates_overflowed_total", {
  description: "Updates of series beyond the limit, which went into one series of their metric",
  incremental: true
})

const lost = Metric.counter("keelson_metric_datums_lost_total", {
  description: "Metric datums that the sink did not take",
  incremental: true
})

/**
 * Posts the metric registry every `metricsInterval`, and when the scope closes; locally also a second after the start.
 *
 * **Details**
 *
 * The registry is Effect's own, so an app's metrics need no registration. Posts are aligned to the interval (of at
 * least a second) on the wall clock, later by a share of it that is this process's own, so that a fleet's posts are spread
 * over all of it. Datums that the sink does not take are counted in `keelson_metric_datums_lost_total` and logged every 5
 * minutes at most.
 *
 * @category layers
 * @since 1.1.0
 */
export const layer: Layer.Layer<Metrics, never, Environment | MetricSink | Recent> = Layer.effect(
  Metrics,
  Effect.gen(function*() {
    const sink = yield* MetricSink
    const recent = yield* Recent
    const context = yield* Effect.context<never>()
    const interval = Math.max(Duration.toMillis((yield* Settings).metricsInterval), shortestInterval)
    const phase = Math.floor((yield* Random.next) * interval)
    const { kind } = yield* Environment
    const bounded = new Set((yield* Bounds).map(({ metric }) => metric))
    const watched = (metric: string) => bounded.has(metric)
    let baseline: MetricBatch.Baseline = new Map()
    const account = MetricSeries.bound(Context.get(context, Metric.MetricRegistry))
    const counted = { overflowed: 0, dropped: 0 }
    const full = new Set<string>()

    const countUnkept = () => {
      const news = { overflowed: account.overflowed - counted.overflowed, dropped: account.dropped - counted.dropped }
      if (news.overflowed > 0) overflowed.updateUnsafe(news.overflowed, context)
      if (news.dropped > 0) dropped.updateUnsafe(news.dropped, context)
      counted.overflowed += news.overflowed
      counted.dropped += news.dropped
    }

    const tellFull = Effect.suspend(() => {
      const metrics = [...account.full].filter((name) => !full.has(name))
      if (metrics.length === 0) return Effect.void
      for (const name of metrics) full.add(name)
      return Effect.logWarning("metrics have more series than are kept: is there a label without bound?", {
        metrics: metrics.slice(0, namesTold),
        more: Math.max(0, metrics.length - namesTold),
        limits: MetricSeries.limits
      })
    })

    const take = Effect.map(Clock.currentTimeMillis, (now) => {
      countUnkept()
      const { readable, unread } = read(context)
      const batch = MetricBatch.make(Metric.snapshotUnsafe(readable), baseline, now, { unread, watched })
      baseline = batch.baseline
      if (batch.dropped > 0) dropped.updateUnsafe(batch.dropped, context)
      for (const datum of batch.datums) recent.metrics.push(datum)
      return batch.datums
    })

    let loggedAt = Number.NEGATIVE_INFINITY
    let unlogged = 0
    const refused = Effect.fnUntraced(function*(datums: number, cause: Cause.Cause<unknown>) {
      lost.updateUnsafe(datums, context)
      unlogged += datums
      const now = yield* Clock.currentTimeMillis
      if (Math.abs(now - loggedAt) < logInterval) return
      const lines = { datums: unlogged }
      loggedAt = now
      unlogged = 0
      yield* Effect.logWarning("metrics were not posted", lines, cause)
    })

    const put = (datums: ReadonlyArray<Datum>) =>
      Effect.suspend(() => sink.put(datums)).pipe(
        Effect.timeout(putTimeout),
        Effect.catchCause((cause) => refused(datums.length, cause))
      )
    const post = Effect.catchCause(take, (cause) => Effect.as(refused(0, cause), [])).pipe(
      Effect.flatMap((datums) => datums.length === 0 ? Effect.void : put(datums)),
      Effect.andThen(tellFull)
    )

    const untilNext = Effect.flatMap(
      Clock.currentTimeMillis,
      (now) => Effect.sleep(Duration.millis(interval - modulo(now - phase, interval)))
    )
    // Nobody shares the local sink, and whoever looks at the page does not want to wait.
    const first = kind === "local" ? Effect.andThen(Effect.sleep(firstPost), post) : Effect.void
    yield* Effect.andThen(first, Effect.forever(Effect.andThen(untilNext, post))).pipe(Effect.forkScoped)
    yield* Effect.addFinalizer(() => post)
    const render = (format: PrometheusText.Format) =>
      Effect.sync(() => {
        countUnkept()
        return PrometheusText.render(Metric.snapshotUnsafe(coarsened(read(context).readable)), format)
      })
    return {
      prometheus: render("prometheus"),
      openMetrics: render("openmetrics"),
      post
    }
  })
)

// Reads every series once; one whose hook throws (an app may register its own) must not take the others with it.
const read = (context: Context.Context<never>) => {
  const registry: Metric.MetricRegistry = new Map()
  const unread: Array<MetricBatch.SeriesName> = []
  for (const [key, series] of Context.get(context, Metric.MetricRegistry)) {
    try {
      const state = series.hooks.get(context)
      registry.set(key, { ...series, hooks: { ...series.hooks, get: () => state } })
    } catch {
      unread.push(series)
    }
  }
  return { readable: Context.add(context, Metric.MetricRegistry, registry), unread }
}

const coarsened = (context: Context.Context<never>) => {
  const registry: Metric.MetricRegistry = new Map()
  for (const [key, series] of Context.get(context, Metric.MetricRegistry)) {
    const bounds = series.type === "Histogram" ? renderedBoundaries.get(series.id) : undefined
    const get = (context: Context.Context<never>) => {
      const state: Metric.HistogramState = series.hooks.get(context)
      return { ...state, buckets: state.buckets.filter(([bound]) => bounds?.has(bound)) }
    }
    registry.set(key, bounds === undefined ? series : { ...series, hooks: { ...series.hooks, get } })
  }
  return Context.add(context, Metric.MetricRegistry, registry)
}

const modulo = (value: number, divisor: number) => ((value % divisor) + divisor) % divisor
