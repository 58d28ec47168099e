import type * as Metric from "effect/Metric"
import { representatives } from "./MetricBatch.ts"
import * as Points from "./Points.ts"

/**
 * What an operation did in the last minutes. Durations are seconds; `errors` are answers of 500 and above; `rates` are
 * answers per second, one for each interval, oldest first. There are no percentiles where there was no answer.
 *
 * @category models
 * @since 1.1.0
 */
export interface OperationStats {
  readonly operation: string
  readonly method: string
  readonly answers: number
  readonly errors: number
  readonly perSecond: number
  readonly p50?: number | undefined
  readonly p99?: number | undefined
  readonly rates: ReadonlyArray<number>
}

/**
 * The last minutes of one operation, from the histograms of its durations, one for each status.
 *
 * @category models
 * @since 1.1.0
 */
export interface OperationHistory {
  readonly add: (status: string, state: Metric.HistogramState) => void
  readonly turn: () => void
  readonly stats: (
    period: { readonly seconds: number; readonly intervalSeconds: number; readonly intervals: number }
  ) => Omit<OperationStats, "operation" | "method">
}

/** Durations are kept by slots of this many intervals. */
const intervalsPerSlot = 12
const slotCount = Points.size / intervalsPerSlot

/**
 * Makes an {@link OperationHistory} of which nothing is known yet.
 *
 * **Details**
 *
 * `add` takes the whole state of a histogram and counts what came since the last time. Durations are kept in slots of
 * twelve intervals, only those with answers, so percentiles are of the last five minutes, to the minute.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = (): OperationHistory => {
  const answers = Points.make(0)
  const errors = Points.make(0)
  const before = new Map<string, Uint32Array>()
  const slots: Array<Map<number, number>> = Array.from({ length: slotCount }, () => new Map())
  let slot = 0
  let intervals = 0

  return {
    add: (status, state) => {
      const seen = before.get(status) ?? new Uint32Array(state.buckets.length + 1)
      before.set(status, seen)
      const increase = state.count - (seen[state.buckets.length] ?? 0)
      if (increase === 0) return
      answers.add(increase)
      if (Number(status) >= 500) errors.add(increase)
      const values = representatives(state)
      const counts = slots[slot] ?? new Map<number, number>()
      let earlier = 0
      for (const [index, value] of values.entries()) {
        const total = state.buckets[index]?.[1] ?? state.count
        const change = total - (seen[index] ?? 0)
        seen[index] = total
        if (change !== earlier) counts.set(value, (counts.get(value) ?? 0) + change - earlier)
        earlier = change
      }
    },
    turn: () => {
      answers.turn(0)
      errors.turn(0)
      if (++intervals % intervalsPerSlot !== 0) return
      slot = (slot + 1) % slots.length
      slots[slot]?.clear()
    },
    stats: ({ intervalSeconds, intervals, seconds }) => {
      const counts = slots.flatMap((slot) => [...slot]).sort(([a], [b]) => a - b)
      return {
        answers: answers.sum(),
        errors: errors.sum(),
        perSecond: answers.sum() / Math.max(1, seconds),
        p50: quantile(counts, 0.5),
        p99: quantile(counts, 0.99),
        rates: answers.closed(intervals).map((count) => count / intervalSeconds)
      }
    }
  }
}

/**
 * The value below or at which `share` of all are: of values in ascending order, each with how often it was seen.
 *
 * @category getters
 * @since 1.1.0
 * @example
 * ```ts
 * quantile([[1, 98], [5, 2]], 0.99) // 5
 * ```
 */
export const quantile = (
  counts: ReadonlyArray<readonly [value: number, count: number]>,
  share: number
): number | undefined => {
  const total = counts.reduce((sum, [, count]) => sum + count, 0)
  let seen = 0
  return counts.find(([, count]) => (seen += count) >= total * share)?.[0]
}

const chassis: ReadonlySet<string> = new Set([
  "livez",
  "readyz",
  "version",
  "health",
  "openapi.json",
  "docs",
  "unmatched"
])

/**
 * Whether an operation is one of the chassis' own: a probe, a document, or anything of the admin listener.
 *
 * @category guards
 * @since 1.1.0
 */
export const isChassis = (operation: string): boolean => chassis.has(operation) || operation.startsWith("admin/")
