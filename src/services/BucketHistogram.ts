import type * as Context from "effect/Context"
import { constVoid } from "effect/Function"
import type * as Metric from "effect/Metric"

type Hooks = Metric.Metric.Hooks<number, Metric.HistogramState>

/**
 * Counts numbers by bucket, as `Metric.histogram` does, for hot paths: `record` looks no series up and finds the bucket
 * by a table (`bench/metric-update.ts`). Register `state` with `Metric.registerUnsafe`.
 *
 * @category models
 * @since 1.1.0
 */
export interface BucketHistogram {
  readonly record: (value: number) => void
  readonly count: () => number
  readonly state: () => Metric.HistogramState
}

interface Table {
  readonly bounds: Float64Array
  readonly begins: Uint16Array
  readonly base: number
}

// A number's sign, exponent and first four digits: sixteen slots for each power of two.
const number = new Float64Array(1)
const words = new Uint32Array(number.buffer)
const high = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 1 : 0

const slotOf = (value: number): number => {
  number[0] = value
  return (words[high] ?? 0) >>> 16
}

const mostSlots = 4096
const mostTables = 100
const tables = new Map<string, Table | undefined>()

const makeTable = (boundaries: ReadonlyArray<number>): Table | undefined => {
  const from = boundaries.findIndex((bound) => bound > 0)
  const least = boundaries[from]
  const most = boundaries.at(-1)
  if (least === undefined || most === undefined || boundaries.some(Number.isNaN)) return undefined
  const base = slotOf(least)
  const slots = slotOf(most) - base + 1
  if (slots > mostSlots) return undefined
  let begin = from
  const begins = Uint16Array.from({ length: slots }, (_, slot) => {
    while (slotOf(boundaries[begin] ?? Infinity) < base + slot) begin++
    return begin
  })
  return { bounds: Float64Array.from(boundaries), begins, base }
}

const tableOf = (boundaries: ReadonlyArray<number>): Table | undefined => {
  const key = boundaries.join()
  if (tables.has(key)) return tables.get(key)
  const table = makeTable(boundaries)
  if (tables.size < mostTables) tables.set(key, table)
  return table
}

/**
 * Makes an empty {@link BucketHistogram}; `boundaries` are upper bounds, ascending.
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
export const make = (boundaries: ReadonlyArray<number>): BucketHistogram =>
  ofTable(tableOf(boundaries) ?? { bounds: Float64Array.from(boundaries), begins: new Uint16Array(), base: 0 })

/**
 * Hooks of a histogram that find the bucket of a value by a table instead of a search, which takes less than half the
 * time. They count as the given ones do; those that count already, or have no boundary above zero, go on to.
 *
 * @category combinators
 * @since 1.1.0
 */
export const quicken = (hooks: Hooks): Hooks => {
  if (hooks.update === constVoid) return hooks
  let fast: BucketHistogram | undefined
  let slow = false
  const update = (value: number, context: Context.Context<never>) => {
    if (fast === undefined) {
      const { buckets, count } = hooks.get(context)
      const table = slow || count > 0 ? undefined : tableOf(buckets.map(([bound]) => bound))
      slow = table === undefined
      if (table === undefined) return hooks.update(value, context)
      fast = ofTable(table)
    }
    fast.record(value)
  }
  return { get: (context) => fast?.state() ?? hooks.get(context), update, modify: update }
}

const mostWaiting = 32

const ofTable = ({ base, begins, bounds }: Table): BucketHistogram => {
  const size = bounds.length
  const least = bounds[begins[0] ?? 0] ?? 0
  const most = bounds[size - 1] ?? 0
  const buckets = new Float64Array(size + 1)
  // What an update touches beside this is fetched once for many: between two requests it leaves the processor's cache.
  const waiting = new Float64Array(mostWaiting)
  let waits = 0
  let counted = 0
  let sum = 0
  let min = Number.MAX_VALUE
  let max = -Number.MAX_VALUE

  const settle = () => {
    for (let next = 0; next < waits; next++) {
      const value = waiting[next] ?? 0
      let index = size
      if (value <= most) {
        index = value < least ? 0 : begins[slotOf(value) - base] ?? 0
        while (value > (bounds[index] ?? Infinity)) index++
      }
      buckets[index] = (buckets[index] ?? 0) + 1
      sum += value
      if (value < min) min = value
      if (value > max) max = value
    }
    counted += waits
    waits = 0
  }

  return {
    record: (value) => {
      waiting[waits++] = value
      if (waits === mostWaiting) settle()
    },
    count: () => counted + waits,
    state: () => {
      settle()
      let below = 0
      return {
        buckets: Array.from(bounds, (bound, index) => [bound, below += buckets[index] ?? 0]),
        count: counted,
        sum,
        min,
        max
      }
    }
  }
}
