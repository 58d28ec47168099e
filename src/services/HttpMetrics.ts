import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as BucketHistogram from "./BucketHistogram.ts"
import { exponentialBoundaries } from "./MetricBatch.ts"

/**
 * The instruments of one operation, bound once: `started` when a request arrives, `finished` when its answer ended.
 *
 * @category models
 * @since 1.1.0
 */
export interface BoundHttpMetrics {
  readonly started: () => void
  readonly finished: (status: number, seconds: number) => void
}

/**
 * Counts and times the answers of every listener.
 *
 * **Details**
 *
 * `http_server_request_duration_seconds` is a histogram with {@link fineBoundaries}, by `operation`, and as OpenTelemetry
 * names them `http_request_method`, `http_route` and `http_response_status_code`. `http_server_requests_total` is its count. `http_server_active_requests` is by
 * `operation`, whatever the method. An update looks nothing up and makes no object: everything is bound beforehand or
 * read when a snapshot is taken (`bench/metric-update.ts`).
 *
 * @category services
 * @since 1.1.0
 */
export class HttpMetrics extends Context.Service<HttpMetrics, {
  readonly bind: (operation: string, method: string, route?: string) => BoundHttpMetrics
}>()("keelson/services/HttpMetrics") {}

/**
 * Upper bounds of the duration buckets that the Prometheus text has, in seconds
 * (https://opentelemetry.io/docs/specs/semconv/http/http-metrics/#metric-httpserverrequestduration).
 *
 * @category constants
 * @since 1.1.0
 */
export const boundaries = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] as const

/**
 * Upper bounds of the duration buckets that are recorded, in seconds: {@link boundaries}, and as many more from 10 µs
 * to 60 s as keep the percentiles of what is posted within 5 %.
 *
 * @category constants
 * @since 1.1.0
 */
export const fineBoundaries = exponentialBoundaries({ from: 0.000_01, to: 60, include: boundaries })

/**
 * The buckets that the Prometheus text has of a histogram that records finer ones: upper bounds by metric name.
 *
 * @category constants
 * @since 1.1.0
 */
export const renderedBoundaries: ReadonlyMap<string, ReadonlySet<number>> = new Map([
  ["http_server_request_duration_seconds", new Set(boundaries)]
])

/**
 * Keeps the instruments in the `MetricRegistry` of the context.
 *
 * @category layers
 * @since 1.1.0
 */
export const layer: Layer.Layer<HttpMetrics> = Layer.effect(
  HttpMetrics,
  Effect.map(Metric.MetricRegistry, (registry) => Context.make(Metric.MetricRegistry, registry)).pipe(
    // A context of just what an update looks up: with all services in it, the look-up costs half the update.
    Effect.map(Context.add(Metric.CurrentMetricAttributes, {})),
    Effect.map((context) => {
      const inFlight = new Map<string, InFlight>()
      const histograms = new Map<string, Array<BucketHistogram.BucketHistogram | undefined>>()
      return {
        bind: (operation, method, route) => {
          const attributes = {
            operation,
            http_request_method: method,
            ...(route === undefined ? {} : { http_route: route })
          }
          const requests = inFlight.get(operation) ?? { active: 0, registered: false }
          inFlight.set(operation, requests)
          const key = JSON.stringify(attributes)
          const byStatus = histograms.get(key) ?? []
          histograms.set(key, byStatus)
          return {
            started: () => {
              requests.active++
              if (!requests.registered) register(context, operation, requests)
            },
            finished: (status, seconds) => {
              requests.active--
              const histogram = byStatus[status] ??= makeSeries(context, {
                ...attributes,
                http_response_status_code: String(status)
              })
              histogram.record(seconds)
            }
          }
        }
      }
    })
  )
)

interface InFlight {
  active: number
  registered: boolean
}

const register = (context: Context.Context<never>, operation: string, requests: InFlight) => {
  requests.registered = true
  Metric.registerUnsafe(
    Metric.gauge("http_server_active_requests", { description: "Requests under way", attributes: { operation } }),
    context,
    pulled(() => ({ value: requests.active }))
  )
}

const makeSeries = (context: Context.Context<never>, attributes: Readonly<Record<string, string>>) => {
  const histogram = BucketHistogram.make(fineBoundaries)
  Metric.registerUnsafe(
    Metric.histogram("http_server_request_duration_seconds", {
      description: "Time from reading the request's head to the end of its answer",
      boundaries: fineBoundaries,
      attributes
    }),
    context,
    pulled(histogram.state)
  )
  Metric.registerUnsafe(
    Metric.counter("http_server_requests_total", { description: "Answers", attributes, incremental: true }),
    context,
    pulled(() => ({ count: histogram.count(), incremental: true }))
  )
  return histogram
}

const pulled = <State>(get: () => State) => ({ get, update: () => {}, modify: () => {} })
