import type * as Metric from "effect/Metric"

/**
 * Counts durations by bucket, as `Metric.histogram` does, for hot paths: `record` looks no series up and finds the bucket
 * by a table (`bench/metric-update.ts`). Register `state` with `Metric.registerUnsafe`.
 *
 * @category models
 * @since 1.1.0
 */
export interface DurationHistogram {
  readonly record: (seconds: number) => void
  readonly count: () => number
  readonly state: () => Metric.HistogramState
}

// Sixteen slots for each power of two of sixteenths of a microsecond: about as many as there are fine boundaries.
const perSecond = 16e6
const slotBits = 4
const mostUnits = 2 ** 31 - 1

const slotOf = (seconds: number): number => {
  const units = Math.max(0, Math.min(seconds * perSecond, mostUnits)) | 0
  const exponent = 31 - Math.clz32(units)
  return exponent < slotBits ? units : (exponent << slotBits) | ((units >> (exponent - slotBits)) & 15)
}

/**
 * Makes an empty {@link DurationHistogram}; `boundaries` are upper bounds in seconds, ascending.
 *
 * @category constructors
 * @since 1.1.0
 * @example
 * ```ts
 * const histogram = make([0.1, 1])
 * histogram.record(0.5)
 * histogram.state().buckets // [[0.1, 0], [1, 1]]
 * ```
 */
export const make = (boundaries: ReadonlyArray<number>): DurationHistogram => {
  const size = boundaries.length
  const bounds = Float64Array.from([...boundaries, Infinity])
  const buckets = new Float64Array(size + 1)
  // Where to begin: slots do not decrease, so a boundary of an earlier slot is less than any value of this one.
  let begin = 0
  const begins = Uint16Array.from({ length: slotOf(Infinity) + 1 }, (_, slot) => {
    while (slotOf(bounds[begin] ?? Infinity) < slot) begin++
    return begin
  })
  let count = 0
  let sum = 0
  let min = Number.MAX_VALUE
  let max = -Number.MAX_VALUE

  return {
    record: (seconds) => {
      let index = begins[slotOf(seconds)] ?? size
      while (seconds > (bounds[index] ?? Infinity)) index++
      buckets[index] = (buckets[index] ?? 0) + 1
      count++
      sum += seconds
      if (seconds < min) min = seconds
      if (seconds > max) max = seconds
    },
    count: () => count,
    state: () => {
      let below = 0
      return { buckets: boundaries.map((bound, index) => [bound, below += buckets[index] ?? 0]), count, sum, min, max }
    }
  }
}
