import type { Sample } from "./PrometheusSamples.ts"

/**
 * What was read of a service at one time; `at` is milliseconds, of any clock that only goes forwards.
 *
 * @category models
 * @since 1.1.0
 */
export interface Scrape {
  readonly at: number
  readonly samples: ReadonlyArray<Sample>
  readonly health: HealthPart | undefined
  readonly accounts: ReadonlyArray<AccountPart>
}

/**
 * What of the health document is shown. Every member may be missing: the service may be of another version.
 *
 * @category models
 * @since 1.1.0
 */
export interface HealthPart {
  readonly status?: string
  readonly releaseId?: string
  readonly serviceId?: string
  readonly state?: string
  readonly uptimeSeconds?: number
  readonly environment?: { readonly kind?: string; readonly instance?: string }
  readonly logLevel?: { readonly level?: string; readonly changes?: ReadonlyArray<unknown> }
  readonly checks?: Readonly<
    Record<string, ReadonlyArray<{ readonly status?: string; readonly output?: string; readonly time?: string }>>
  >
}

/**
 * One account of the ledger.
 *
 * @category models
 * @since 1.1.0
 */
export interface AccountPart {
  readonly name?: string
  readonly offered?: number
  readonly delivered?: number
  readonly buffered?: number
  readonly inFlight?: number
  readonly failure?: string
}

/**
 * What an operation did between two scrapes, or since the start where there is but one. Percentiles are seconds,
 * `undefined` where nothing was answered.
 *
 * @category models
 * @since 1.1.0
 */
export interface OperationRow {
  readonly operation: string
  readonly perSecond: number
  readonly errorsPerSecond: number
  readonly p50: number | undefined
  readonly p99: number | undefined
  readonly inFlight: number
}

/**
 * What a screen shows.
 *
 * @category models
 * @since 1.1.0
 */
export interface Frame {
  readonly health: HealthPart | undefined
  readonly operations: ReadonlyArray<OperationRow>
  readonly process: {
    readonly cpuCores: number | undefined
    readonly loopUtilization: number | undefined
    readonly loopP99: number | undefined
    readonly loopMax: number | undefined
    readonly rss: number | undefined
    readonly heapUsed: number | undefined
    readonly heapTotal: number | undefined
    readonly external: number | undefined
    readonly gcRatio: number | undefined
    readonly gcPerSecond: number | undefined
    readonly fibers: number | undefined
    readonly fds: number | undefined
  }
  readonly accounts: ReadonlyArray<AccountPart>
}

const family = "http_server_request_duration_seconds"

/**
 * Computes what happened between two scrapes. A counter that fell was started anew, and counts from zero.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = (before: Scrape | undefined, now: Scrape): Frame => {
  const earlier = new Map(before?.samples.map((sample) => [keyOf(sample), sample.value]))
  const uptime = valueOf(now, "process_uptime_seconds")
  const seconds = before === undefined ? uptime ?? 1 : Math.max((now.at - before.at) / 1000, 1e-3)
  const increase = (sample: Sample): number => {
    const value = earlier.get(keyOf(sample)) ?? 0
    return sample.value < value ? sample.value : sample.value - value
  }
  const rate = (name: string): number | undefined => {
    const samples = now.samples.filter((sample) => sample.name === name)
    return samples.length === 0 ? undefined : samples.reduce((sum, sample) => sum + increase(sample), 0) / seconds
  }
  return {
    health: now.health,
    operations: operationsOf(now, increase, seconds),
    process: {
      cpuCores: rate("process_cpu_seconds_total"),
      loopUtilization: valueOf(now, "nodejs_eventloop_utilization_ratio"),
      loopP99: valueOf(now, "nodejs_eventloop_lag_p99_seconds"),
      loopMax: valueOf(now, "nodejs_eventloop_lag_max_seconds"),
      rss: valueOf(now, "process_resident_memory_bytes"),
      heapUsed: valueOf(now, "nodejs_heap_size_used_bytes"),
      heapTotal: valueOf(now, "nodejs_heap_size_total_bytes"),
      external: valueOf(now, "nodejs_external_memory_bytes"),
      gcRatio: rate("nodejs_gc_duration_seconds_total"),
      gcPerSecond: rate("nodejs_gc_runs_total"),
      fibers: valueOf(now, "keelson_fibers"),
      fds: valueOf(now, "process_open_fds")
    },
    accounts: now.accounts
  }
}

const keyOf = ({ labels, name }: Sample): string => `${name}${JSON.stringify(labels)}`

const valueOf = ({ samples }: Scrape, name: string): number | undefined =>
  samples.find((sample) => sample.name === name)?.value

interface Totals {
  answers: number
  errors: number
  inFlight: number
  readonly buckets: Map<number, number>
}

const operationsOf = (
  { samples }: Scrape,
  increase: (sample: Sample) => number,
  seconds: number
): ReadonlyArray<OperationRow> => {
  const operations = new Map<string, Totals>()
  for (const sample of samples) {
    const { operation } = sample.labels
    if (operation === undefined || !sample.name.startsWith("http_server_")) continue
    const totals = operations.get(operation) ?? { answers: 0, errors: 0, inFlight: 0, buckets: new Map() }
    operations.set(operation, totals)
    if (sample.name === `${family}_count`) {
      const answers = increase(sample)
      totals.answers += answers
      if (sample.labels["http_response_status_code"]?.startsWith("5") === true) totals.errors += answers
    } else if (sample.name === `${family}_bucket`) {
      const bound = sample.labels["le"] === "+Inf" ? Number.POSITIVE_INFINITY : Number(sample.labels["le"])
      totals.buckets.set(bound, (totals.buckets.get(bound) ?? 0) + increase(sample))
    } else if (sample.name === "http_server_active_requests") {
      totals.inFlight += sample.value
    }
  }
  return Array.from(operations, ([operation, { answers, buckets, errors, inFlight }]) => ({
    operation,
    perSecond: answers / seconds,
    errorsPerSecond: errors / seconds,
    p50: quantile(buckets, 0.5),
    p99: quantile(buckets, 0.99),
    inFlight
  })).sort((a, b) =>
    rank(a) - rank(b) || b.perSecond - a.perSecond || b.inFlight - a.inFlight || (a.operation < b.operation ? -1 : 1)
  )
}

// What only watches the service comes last.
const rank = ({ operation }: OperationRow): number => operation.startsWith("admin/") ? 1 : 0

/**
 * A quantile of cumulative buckets, as Prometheus' `histogram_quantile` has it: linear within a bucket, and the highest
 * bound for what is above. `undefined` without values.
 *
 * @category getters
 * @since 1.1.0
 */
export const quantile = (buckets: ReadonlyMap<number, number>, share: number): number | undefined => {
  const ascending = [...buckets].sort(([a], [b]) => a - b)
  const total = ascending.at(-1)?.[1] ?? 0
  if (!(total > 0)) return undefined
  const rank = share * total
  let lower = 0
  let below = 0
  for (const [bound, count] of ascending) {
    if (count >= rank) {
      return bound === Number.POSITIVE_INFINITY ? lower : lower + (bound - lower) * ((rank - below) / (count - below))
    }
    lower = bound
    below = count
  }
  return lower
}
