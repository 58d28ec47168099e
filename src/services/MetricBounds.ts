import * as Context from "effect/Context"
import type { Datum } from "./MetricSink.ts"

/**
 * The healthy range of one metric series: out of it for `minutes` (default 5) is an alarm.
 *
 * **Details**
 *
 * `metric` and `attributes` are those of Effect's registry. What is compared each minute is the `statistic` of what all
 * instances posted: by default the largest value of an `atMost`, the smallest of an `atLeast`. No value at all is not
 * too much, but is too little.
 *
 * @category models
 * @since 1.1.0
 */
export type MetricBound =
  & {
    readonly metric: string
    readonly description: string
    readonly attributes?: Readonly<Record<string, string>> | undefined
    readonly statistic?: Statistic | undefined
    readonly minutes?: number | undefined
  }
  & ({ readonly atMost: number } | { readonly atLeast: number })

/**
 * How CloudWatch makes one number of a minute's values.
 *
 * @category models
 * @since 1.1.0
 */
export type Statistic = "Average" | "Maximum" | "Minimum" | "SampleCount" | "Sum" | `p${number}`

/**
 * What a bound says with nothing left out.
 *
 * @category models
 * @since 1.1.0
 */
export interface Limit {
  readonly kind: "atMost" | "atLeast"
  readonly value: number
  readonly statistic: Statistic
  readonly minutes: number
}

/**
 * The limit that a bound is, defaults filled in.
 *
 * @category getters
 * @since 1.1.0
 */
export const limitOf = (bound: MetricBound): Limit => {
  const { minutes = 5 } = bound
  return "atMost" in bound
    ? { kind: "atMost", value: bound.atMost, statistic: bound.statistic ?? "Maximum", minutes }
    : { kind: "atLeast", value: bound.atLeast, statistic: bound.statistic ?? "Minimum", minutes }
}

/**
 * The bounds of what every service posts.
 *
 * @category constants
 * @since 1.1.0
 */
export const common: ReadonlyArray<MetricBound> = [
  {
    metric: "process_uptime_seconds",
    description: "No instance posts metrics: the service is down, or cannot reach CloudWatch",
    statistic: "SampleCount",
    atLeast: 1
  },
  {
    metric: "nodejs_eventloop_lag_p99_seconds",
    description: "An event loop is late, and with it every request",
    atMost: 0.25
  },
  {
    metric: "nodejs_eventloop_utilization_ratio",
    description: "An event loop has no time left: more load means longer queues",
    atMost: 0.95,
    minutes: 10
  },
  ...["logs", "metrics"].map((account): MetricBound => ({
    metric: "keelson_telemetry_items_total",
    attributes: { account, outcome: "dropped" },
    description: `Some ${account} were dropped: CloudWatch did not take them, or not fast enough`,
    statistic: "Sum",
    atMost: 0,
    minutes: 1
  }))
]

/**
 * The bounds that this process watches itself.
 *
 * @category references
 * @since 1.1.0
 */
export const Bounds = Context.Reference<ReadonlyArray<MetricBound>>("keelson/services/MetricBounds", {
  defaultValue: () => common
})

/**
 * Whether what this process alone posted leaves a bound, and so does the service. `undefined` where one process cannot
 * know: an average, a percentile or a least sum is made of what all of them posted.
 *
 * @category predicates
 * @since 1.1.0
 * @example
 * ```ts
 * const bound = { metric: "orders_open", atMost: 5, description: "orders pile up" }
 * leaves(bound, [{ name: "orders_open", values: [6], counts: [1], dimensions: {}, unit: "None", timestamp: 0 }]) // true
 * ```
 */
export const leaves = (bound: MetricBound, datums: ReadonlyArray<Datum>): boolean | undefined => {
  const { kind, statistic, value } = limitOf(bound)
  const found = datums.filter(({ dimensions, name }) => name === bound.metric && sameAttributes(bound, dimensions))
  if (found.length === 0) return undefined
  if (kind === "atLeast") {
    return statistic === "Minimum"
      ? found.some(({ values }) => values.some((v) => v < value))
      : undefined
  }
  switch (statistic) {
    case "Maximum":
      return found.some(({ values }) => values.some((v) => v > value))
    case "Sum":
      return total(found, (v, count) => v * count) > value
    case "SampleCount":
      return total(found, (_, count) => count) > value
    default:
      return undefined
  }
}

const sameAttributes = ({ attributes = {} }: MetricBound, dimensions: Datum["dimensions"]): boolean =>
  Object.keys(dimensions).length === Object.keys(attributes).length &&
  Object.entries(attributes).every(([name, value]) => dimensions[name] === value)

const total = (datums: ReadonlyArray<Datum>, of: (value: number, count: number) => number): number =>
  datums.reduce((sum, { counts, values }) => values.reduce((sum, v, index) => sum + of(v, counts[index] ?? 0), sum), 0)
