import type * as Metric from "effect/Metric"
import { chunksOf, limits, postable } from "./MetricPost.ts"
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

/**
 * Which series something is about.
 *
 * @category models
 * @since 1.1.0
 */
export type SeriesName = Pick<Metric.Metric.Snapshot, "attributes" | "description" | "id" | "type">

const greatestRatio = 1.1

/**
 * Upper bounds of histogram buckets that keep percentiles within 5 % of the exact ones: each is at most 1.1 times the
 * one before.
 *
 * **Details**
 *
 * They go from `from` to `to`, both positive and in the metric's own unit, and have every bound of `include`, so that
 * coarser buckets can be added up from them; {@link make} says what CloudWatch gets. A factor of 10 takes 25 bounds.
 * An update searches them by halving: twelve times as many take four steps more. A series keeps 12 bytes for each, and
 * the Prometheus text has a line for each.
 *
 * @category constructors
 * @since 1.1.0
 * @example
 * ```ts
 * const size = Metric.histogram("upload_size_bytes", { boundaries: exponentialBoundaries({ from: 100, to: 1e9 }) })
 * ```
 */
export const exponentialBoundaries = ({ from, include = [], to }: {
  readonly from: number
  readonly to: number
  readonly include?: ReadonlyArray<number> | undefined
}): ReadonlyArray<number> => {
  const marks = [...new Set([from, ...include, to])].sort((a, b) => a - b)
  return marks.flatMap((mark, index) => {
    const ratio = (marks[index + 1] ?? mark) / mark
    const steps = Math.max(1, Math.ceil(Math.log(ratio) / Math.log(greatestRatio)))
    return Array.from({ length: steps }, (_, step) => step === 0 ? mark : mark * ratio ** (step / steps))
  })
}

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
 * - gauges give their value while it is not 0, when it has changed, and always where it is `watched`: an idle series
 *   costs nothing, and one that stays where it should not be is seen
 * - histograms give the increase of each bucket as count, with one value for the whole bucket: the geometric mean of
 *   its bounds, or their midpoint where one is not positive, but nothing beyond the least and the greatest value ever
 *   seen. Those stand in for the bounds that the first bucket and the one beyond all bounds lack; the latter has the
 *   greatest. Percentiles are within 5 % for bounds of {@link exponentialBoundaries}.
 * - frequencies give a count by word (dimension `key`, as in the Prometheus text)
 * - summaries give their quantiles (dimension `quantile`)
 *
 * The process comes first, the chassis and requests next, the app's own metrics last. A value that is not finite, or
 * beyond 2^360 (CloudWatch's limit), is dropped alone, as is a series whose state cannot be read; what it counted
 * until it can be (`unread`) is in its next datum. A datum has at most 150 values (CloudWatch's limit too): a histogram
 * with more filled buckets gives several.
 *
 * @category conversions
 * @since 1.1.0
 */
export const make = (
  snapshot: ReadonlyArray<Metric.Metric.Snapshot>,
  baseline: Baseline,
  timestamp: number,
  { unread = [], watched = () => false }: {
    readonly unread?: ReadonlyArray<SeriesName>
    readonly watched?: (metric: string) => boolean
  } = {}
): Batch => {
  const datums: Array<Datum> = []
  const next = new Map<string, ReadonlyArray<number>>()
  let dropped = unread.length

  // A frequency has a key for each word, which begins with its own.
  const keep = (key: string) => {
    for (const [known, totals] of baseline) if (known.startsWith(key)) next.set(known, totals)
  }

  const change = (key: string, totals: ReadonlyArray<number>, decreases = false): ReadonlyArray<number> => {
    const before = baseline.get(key) ?? []
    const known = totals.map((total, index) => Number.isFinite(total) ? total : before[index] ?? 0)
    next.set(key, known)
    const reset = !decreases && known.some((total, index) => total < (before[index] ?? 0))
    return reset ? totals : totals.map((total, index) => total - (before[index] ?? 0))
  }

  const add = (series: Metric.Metric.Snapshot) => {
    const { time_unit: _, ...dimensions } = series.attributes ?? {}
    const key = keyOf(series)

    const push = (values: ReadonlyArray<number>, counts: ReadonlyArray<number>, extra?: Record<string, string>) => {
      const kept = values.map((value, index) => [postable(value), counts[index] ?? 0] as const)
        .filter(([value, count]) => {
          if (count === 0) return false
          const good = value !== undefined && Number.isFinite(count)
          if (!good) dropped++
          return good
        })
      for (const entries of chunksOf(kept, limits.values)) {
        datums.push({
          name: series.id,
          unit: unitOf(series),
          timestamp,
          dimensions: { ...dimensions, ...extra },
          values: entries.map(([value = 0]) => value),
          counts: entries.map(([, count]) => count)
        })
      }
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
        if (value !== 0 || value !== baseline.get(key)?.[0] || watched(series.id)) push([value], [1])
        break
      }
      case "Histogram": {
        const { buckets, count } = series.state
        const cumulated = [...buckets.map(([, total]) => total), count]
        const totals = cumulated.map((total, index) => total - (cumulated[index - 1] ?? 0))
        push(representatives(series.state), change(key, totals))
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
  for (const series of [...snapshot].sort((a, b) => rank(a) - rank(b))) {
    try {
      add(series)
    } catch {
      keep(keyOf(series))
      dropped++
    }
  }
  for (const series of unread) keep(keyOf(series))
  return { datums, baseline: next, dropped }
}

/**
 * One value for each bucket of a histogram, and one for what is beyond all bounds; see {@link make}.
 *
 * @category conversions
 * @since 1.1.0
 */
export const representatives = (state: Metric.HistogramState): ReadonlyArray<number> => {
  const { buckets } = state
  const bounds = buckets.map(([bound]) => bound).filter((bound) => postable(bound) !== undefined)
  // Once a value has no end, neither do the extremes: those of the bounds are the best that is known.
  const min = postable(state.min) ?? bounds[0] ?? state.min
  const max = postable(state.max) ?? bounds.at(-1) ?? state.max
  return [
    ...buckets.map(([upper], index) => Math.min(Math.max(between(buckets[index - 1]?.[0] ?? min, upper), min), max)),
    max
  ]
}

const keyOf = ({ attributes, description, id, type }: SeriesName): string =>
  JSON.stringify([type, id, description, attributes])

const between = (lower: number, upper: number): number =>
  lower > 0 && upper > 0 ? lower * Math.sqrt(upper / lower) : lower / 2 + upper / 2
