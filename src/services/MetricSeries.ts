import type * as Context from "effect/Context"
import { constVoid } from "effect/Function"
import type * as Metric from "effect/Metric"
import * as BucketHistogram from "./BucketHistogram.ts"

/**
 * How many series a registry keeps: of one metric, and of all. The words of a frequency are series too.
 *
 * **Details**
 *
 * 2000 of one metric is what OpenTelemetry's SDKs keep
 * (https://opentelemetry.io/docs/specs/otel/metrics/sdk/#cardinality-limits).
 *
 * @category constants
 * @since 1.1.0
 */
export const limits = { metric: 2000, total: 20_000 } as const

/**
 * The attribute, and the word of a frequency, of the series that has what no series of its own was kept for
 * (https://opentelemetry.io/docs/specs/otel/metrics/sdk/#overflow-attribute).
 *
 * @category constants
 * @since 1.1.0
 */
export const overflow = "otel.metric.overflow"

/**
 * What did not fit into a registry.
 *
 * **Details**
 *
 * - `overflowed` is how many updates went into the series {@link overflow} of their metric
 * - `dropped` is how many went nowhere: all series were taken, and their metric had none, or was a series that is read
 *   from elsewhere (`Metric.registerUnsafe`)
 * - `full` has the names of the metrics of which a series was not kept
 *
 * @category models
 * @since 1.1.0
 */
export interface Account {
  readonly overflowed: number
  readonly dropped: number
  readonly full: ReadonlySet<string>
}

interface Family {
  series: number
  readonly overflow: Map<string, Metadata>
}

type Metadata = Parameters<Metric.MetricRegistry["set"]>[1]

const accounts = new WeakMap<Metric.MetricRegistry, Account>()

// An app that takes all series must not take those that say so.
const ownName = /^(process|nodejs|keelson|http_server)_/

/**
 * Bounds a registry in place, once, and gives its account.
 *
 * **Details**
 *
 * Effect's registry keeps every series for ever, and a process has one that code outside all layers updates too: that is
 * why it is not replaced. Looking up a series that is kept costs what it did. A new series beyond {@link limits} is not
 * kept: its updates go into one series of the same metric whose only attribute is {@link overflow}, so that sums stay
 * right. The chassis' own metrics do not count towards the total.
 *
 * @category mutations
 * @since 1.1.0
 * @example
 * ```ts
 * const account = bound(yield* Metric.MetricRegistry)
 * ```
 */
export const bound = (
  registry: Metric.MetricRegistry,
  { metric, total }: { readonly metric: number; readonly total: number } = limits
): Account => {
  const known = accounts.get(registry)
  if (known !== undefined) return known
  const account = { overflowed: 0, dropped: 0, full: new Set<string>() }
  accounts.set(registry, account)

  const set = registry.set.bind(registry)
  const remove = registry.delete.bind(registry)
  const clear = registry.clear.bind(registry)
  const families = new Map<string, Family>()
  const weights = new WeakMap<Metadata, number>()
  let kept = 0

  const fits = (id: string): boolean => {
    const family = families.get(id)
    if ((family?.series ?? 0) < metric && (kept < total || ownName.test(id))) return true
    if (family !== undefined) account.full.add(id)
    return false
  }

  const weigh = (metadata: Metadata, change: number) => {
    const { id } = metadata
    const family = families.get(id) ?? { series: 0, overflow: new Map() }
    family.series += change
    weights.set(metadata, (weights.get(metadata) ?? 0) + change)
    if (!ownName.test(id)) kept += change
    if (family.series === 0 && family.overflow.size === 0) families.delete(id)
    else families.set(id, family)
  }

  const boundWords = (metadata: Metadata) => {
    const { hooks } = metadata
    const update = (word: string, context: Context.Context<never>) => {
      const { occurrences }: Metric.FrequencyState = hooks.get(context)
      if (occurrences.has(word)) return hooks.update(word, context)
      if (fits(metadata.id)) {
        weigh(metadata, 1)
        return hooks.update(word, context)
      }
      account.overflowed++
      hooks.update(overflow, context)
    }
    Object.assign(metadata, { hooks: { get: hooks.get, update, modify: update } })
  }

  const keep = (metadata: Metadata) => {
    weigh(metadata, 1)
    if (metadata.type === "Frequency") boundWords(metadata)
    if (metadata.type === "Histogram") Object.assign(metadata, { hooks: BucketHistogram.quicken(metadata.hooks) })
  }

  const release = (metadata: Metadata) => {
    const { overflow } = families.get(metadata.id) ?? {}
    if (overflow?.get(metadata.type) === metadata) overflow.delete(metadata.type)
    weigh(metadata, -(weights.get(metadata) ?? 0))
  }

  const overflowOf = ({ id, ...metadata }: Metadata, family: Family): Metadata => {
    const attributes = { [overflow]: "true" }
    const key = JSON.stringify([metadata.type, id, metadata.description, Object.entries(attributes)])
    const series = registry.get(key) ?? { ...metadata, id, attributes }
    if (series.type === "Frequency") boundWords(series)
    family.overflow.set(series.type, series)
    set(key, series)
    return series
  }

  const divert = (metadata: Metadata) => {
    const family = families.get(metadata.id)
    // The hooks of a series that is only read are those of no other.
    if (family === undefined || metadata.hooks.update === constVoid) {
      account.dropped++
      return
    }
    // Those of a frequency are counted by word.
    if (metadata.type !== "Frequency") account.overflowed++
    const { hooks } = family.overflow.get(metadata.type) ?? overflowOf(metadata, family)
    // Whoever sets a new series updates the hooks of what it has set.
    Object.assign(metadata, { hooks })
  }

  for (const metadata of registry.values()) keep(metadata)

  registry.set = (key, metadata) => {
    const replaced = registry.get(key)
    if (replaced !== undefined) release(replaced)
    if (replaced === undefined && !fits(metadata.id)) divert(metadata)
    else {
      keep(metadata)
      set(key, metadata)
    }
    return registry
  }
  registry.delete = (key) => {
    const removed = registry.get(key)
    if (removed !== undefined) release(removed)
    return remove(key)
  }
  registry.clear = () => {
    families.clear()
    account.full.clear()
    kept = 0
    clear()
  }
  return account
}
