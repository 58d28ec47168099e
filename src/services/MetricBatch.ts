import type * as Metric from "effect/Metric"
import type { Datum, Unit } from "./MetricSink.ts"

/**
 * What the last snapshot was: the numbers of each series that the next one is compared with.
 *
 * @category models
 * @since 1.1.0
 */
export type Baseline = ReadonlyMap<string, ReadonlyArray<number>>

/**
 * The datums of one snapshot, the baseline for the next, and how many values no sink can take and so were dropped.
 *
 * @category models
 * @since 1.1.0
 */
export interface Batch {
  readonly datums: ReadonlyArray<Datum>
  readonly baseline: Baseline
  readonly dropped: number
}

// CloudWatch refuses NaN, infinities, magnitudes above 2^360 and those too small for it: one fails the whole call.
const largest = 2 ** 360
const smallest = 8.51592e-109

const units: ReadonlyArray<readonly [suffix: string, unit: Unit]> = [
  ["_bytes", "Bytes"],
  ["_bytes_total", "Bytes"],
  ["_milliseconds", "Milliseconds"],
  ["_seconds", "Seconds"],
  ["_seconds_total", "Seconds"],
  ["_percent", "Percent"],
  ["_total", "Count"]
]

const unitOf = ({ attributes, id, type }: Metric.Metric.Snapshot): Unit =>
  attributes?.["time_unit"] === "milliseconds"
    ? "Milliseconds"
    : units.find(([suffix]) => id.endsWith(suffix))?.[1] ??
      (type === "Counter" || type === "Frequency" ? "Count" : "None")

const rank = ({ id }: Metric.Metric.Snapshot): number =>
  /^(process|nodejs)_/.test(id) ? 0 : /^(keelson|http_server)_/.test(id) ? 1 : 2

/**
 * Turns a snapshot of the metric registry into the datums that changed since `baseline`.
 *
 * **Details**
 *
 * - counters give their increase; one that may also decrease gives its signed change, one that may not but did was
 *   reset and gives what it counted anew
 * - gauges give their value
 * - histograms give the increase of each bucket as count, with the bucket's upper bound as value, or the greatest
 *   value ever seen where that is less
 * - frequencies give a count by word (dimension `key`, as in the Prometheus text)
 * - summaries give their quantiles (dimension `quantile`)
 *
 * The process comes first, the chassis and requests next, the app's own metrics last. A value that is not finite, or
 * beyond 2^360 (CloudWatch's limit), is dropped alone.
 *
 * @category conversions
 * @since 1.1.0
 */
export const make = (
  snapshot: ReadonlyArray<Metric.Metric.Snapshot>,
  baseline: Baseline,
  timestamp: number
): Batch => {
  const datums: Array<Datum> = []
  const next = new Map<string, ReadonlyArray<number>>()
  let dropped = 0

  const change = (key: string, totals: ReadonlyArray<number>, decreases = false): ReadonlyArray<number> => {
    const before = baseline.get(key) ?? []
    const known = totals.map((total, index) => Number.isFinite(total) ? total : before[index] ?? 0)
    next.set(key, known)
    const reset = !decreases && known.some((total, index) => total < (before[index] ?? 0))
    return reset ? totals : totals.map((total, index) => total - (before[index] ?? 0))
  }

  for (const series of [...snapshot].sort((a, b) => rank(a) - rank(b))) {
    const { time_unit: _, ...dimensions } = series.attributes ?? {}
    const key = JSON.stringify([series.type, series.id, series.description, series.attributes])

    const push = (values: ReadonlyArray<number>, counts: ReadonlyArray<number>, extra?: Record<string, string>) => {
      const kept = values.map((value, index) => [postable(value), counts[index] ?? 0] as const)
        .filter(([value, count]) => {
          if (count === 0) return false
          const good = value !== undefined && Number.isFinite(count)
          if (!good) dropped++
          return good
        })
      if (kept.length === 0) return
      datums.push({
        name: series.id,
        unit: unitOf(series),
        timestamp,
        dimensions: { ...dimensions, ...extra },
        values: kept.map(([value = 0]) => value),
        counts: kept.map(([, count]) => count)
      })
    }

    switch (series.type) {
      case "Counter": {
        const [increase = 0] = change(key, [Number(series.state.count)], !series.state.incremental)
        if (increase !== 0) push([increase], [1])
        break
      }
      case "Gauge": {
        const value = Number(series.state.value)
        next.set(key, [value])
        if (value !== baseline.get(key)?.[0]) push([value], [1])
        break
      }
      case "Histogram": {
        const { buckets, count, max } = series.state
        const cumulated = [...buckets.map(([, total]) => total), count]
        const totals = cumulated.map((total, index) => total - (cumulated[index - 1] ?? 0))
        push([...buckets.map(([bound]) => Math.min(bound, max)), max], change(key, totals))
        break
      }
      case "Frequency":
        for (const [word, total] of series.state.occurrences) {
          const [increase = 0] = change(`${key}${JSON.stringify(word)}`, [total])
          if (increase !== 0) push([increase], [1], { key: word })
        }
        break
      case "Summary": {
        const [increase = 0] = change(key, [series.state.count])
        if (increase === 0) break
        for (const [quantile, value] of series.state.quantiles) {
          if (value !== undefined) push([value], [1], { quantile: String(quantile) })
        }
      }
    }
  }
  return { datums, baseline: next, dropped }
}

const postable = (value: number): number | undefined =>
  !Number.isFinite(value) || Math.abs(value) > largest ? undefined : Math.abs(value) < smallest ? 0 : value
