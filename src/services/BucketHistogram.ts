import type * as Context from "effect/Context"
import { constVoid } from "effect/Function"
import type * as Metric from "effect/Metric"

type Hooks = Metric.Metric.Hooks<number, Metric.HistogramState>

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
 * Hooks of a histogram that find the bucket of a value by a table instead of a search, which takes less than half the
 * time. They count as the given ones do; those that count already, or have no boundary above zero, go on to.
 *
 * @category combinators
 * @since 1.1.0
 */
export const quicken = (hooks: Hooks): Hooks => {
  if (hooks.update === constVoid) return hooks
  let fast: ReturnType<typeof make> | undefined
  let slow = false
  const update = (value: number, context: Context.Context<never>) => {
    if (fast === undefined) {
      const { buckets, count } = hooks.get(context)
      const table = slow || count > 0 ? undefined : tableOf(buckets.map(([bound]) => bound))
      slow = table === undefined
      if (table === undefined) return hooks.update(value, context)
      fast = make(table)
    }
    fast.record(value)
  }
  return { get: (context) => fast?.state() ?? hooks.get(context), update, modify: update }
}

const make = ({ base, begins, bounds }: Table) => {
  const size = bounds.length
  const least = bounds[begins[0] ?? 0] ?? 0
  const most = bounds[size - 1] ?? 0
  const buckets = new Float64Array(size + 1)
  let count = 0
  let sum = 0
  let min = Number.MAX_VALUE
  let max = -Number.MAX_VALUE
  return {
    record: (value: number) => {
      let index = size
      if (value <= most) {
        index = value < least ? 0 : begins[slotOf(value) - base] ?? 0
        while (value > (bounds[index] ?? Infinity)) index++
      }
      buckets[index] = (buckets[index] ?? 0) + 1
      count++
      sum += value
      if (value < min) min = value
      if (value > max) max = value
    },
    state: (): Metric.HistogramState => {
      let below = 0
      return {
        buckets: Array.from(bounds, (bound, index) => [bound, below += buckets[index] ?? 0]),
        count,
        sum,
        min,
        max
      }
    }
  }
}
