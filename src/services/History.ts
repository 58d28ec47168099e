import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import type * as Metric from "effect/Metric"
import * as OperationHistory from "./OperationHistory.ts"
import * as Points from "./Points.ts"

/**
 * How long an interval of the history is, in seconds.
 *
 * @category constants
 * @since 1.1.0
 */
export const intervalSeconds = 5

/**
 * How many series, and how many operations, have a history; what comes later has none.
 *
 * @category constants
 * @since 1.1.0
 */
export const limits = { series: 200, operations: 100 } as const

// However young the process is: a line has two ends.
const shortest = 2

/**
 * The metric that operations are known by.
 *
 * @category constants
 * @since 1.1.0
 */
export const durationMetric = "http_server_request_duration_seconds"

/**
 * How the process was in each interval, oldest first: the share of time the event loop was busy and the longest it made
 * something wait (seconds), cores kept busy, bytes of heap and resident memory, the share of time spent collecting
 * garbage.
 *
 * @category models
 * @since 1.1.0
 */
export interface Vitals<A = ReadonlyArray<number>> {
  readonly loop: A
  readonly delay: A
  readonly cpu: A
  readonly heap: A
  readonly rss: A
  readonly gc: A
}

/**
 * The last minutes as the admin page draws them.
 *
 * @category models
 * @since 1.1.0
 */
export interface View {
  /** How long the history goes back, in seconds: no longer than it keeps. */
  readonly seconds: number
  readonly operations: ReadonlyArray<OperationHistory.OperationStats>
  readonly vitals: Vitals
  /** Values of a gauge, increases of a counter, or how many values a histogram got, in each interval. */
  readonly series: (name: string, dimensions: Readonly<Record<string, string>>) => ReadonlyArray<number> | undefined
}

/**
 * The last minutes of the metrics.
 *
 * @category services
 * @since 1.1.0
 */
export class History extends Context.Service<History, {
  readonly view: () => View
}>()("keelson/services/History") {}

/**
 * Takes the registry in: `read` as often as wanted, `turn` at the end of each interval.
 *
 * @category models
 * @since 1.1.0
 */
export interface Recorder {
  readonly read: (snapshot: Iterable<readonly [key: string, Metric.Metric.Snapshot]>) => void
  readonly turn: (vitals: Vitals<number>) => void
  readonly view: (openSeconds: number) => View
}

interface Tracked {
  readonly name: string
  readonly dimensions: string
  readonly counts: boolean
  readonly points: Points.Points
  before: number
  seen: boolean
}

/**
 * Makes a {@link Recorder}. What it keeps is bounded by {@link limits}, and nothing of what it reads.
 *
 * @category constructors
 * @since 1.1.0
 */
export const makeRecorder = (): Recorder => {
  const tracked = new Map<string, Tracked>()
  const operations = new Map<string, OperationHistory.OperationHistory>()
  const vitals: Vitals<Points.Points> = {
    loop: Points.make(NaN),
    delay: Points.make(NaN),
    cpu: Points.make(NaN),
    heap: Points.make(NaN),
    rss: Points.make(NaN),
    gc: Points.make(NaN)
  }
  let intervals = 0

  const readOperation = ({ attributes, state }: Metric.Metric.Snapshot & { readonly type: "Histogram" }) => {
    const key = JSON.stringify([attributes?.["operation"] ?? "", attributes?.["http_request_method"] ?? ""])
    const known = operations.get(key) ?? (operations.size < limits.operations ? OperationHistory.make() : undefined)
    if (known === undefined) return
    operations.set(key, known)
    known.add(attributes?.["http_response_status_code"] ?? "", state)
  }

  const track = (key: string, { attributes, id, type }: Metric.Metric.Snapshot): Tracked | undefined => {
    const known = tracked.get(key)
    if (known !== undefined || tracked.size >= limits.series) return known
    const made: Tracked = {
      name: id,
      dimensions: dimensionsKey(attributes ?? {}),
      counts: type !== "Gauge",
      points: Points.make(type === "Gauge" ? NaN : 0),
      before: 0,
      seen: false
    }
    tracked.set(key, made)
    return made
  }

  return {
    read: (snapshot) => {
      for (const series of tracked.values()) series.seen = false
      for (const [key, series] of snapshot) {
        if (series.type === "Histogram" && series.id === durationMetric) readOperation(series)
        const value = valueOf(series)
        const self = value === undefined ? undefined : track(key, series)
        if (self === undefined || value === undefined) continue
        self.seen = true
        if (!self.counts) self.points.set(value)
        else self.points.add(value - self.before)
        self.before = value
      }
      for (const [key, { seen }] of tracked) if (!seen) tracked.delete(key)
    },
    turn: (now) => {
      intervals++
      for (const { counts, points } of tracked.values()) points.turn(counts ? 0 : NaN)
      for (const operation of operations.values()) operation.turn()
      for (const [name, points] of Object.entries(vitals) as ReadonlyArray<[keyof Vitals, Points.Points]>) {
        points.set(now[name])
        points.turn(NaN)
      }
    },
    view: (openSeconds) => {
      const seconds = Math.min(intervals, Points.size) * intervalSeconds + openSeconds
      const length = Math.min(Points.size, Math.max(shortest, intervals))
      const byName = new Map([...tracked.values()].map((series) => [`${series.name}${series.dimensions}`, series]))
      return {
        seconds,
        operations: Array.from(operations, ([key, operation]) => {
          const [name = "", method = ""] = JSON.parse(key) as ReadonlyArray<string>
          return { operation: name, method, ...operation.stats({ seconds, intervalSeconds, intervals: length }) }
        }),
        vitals: {
          loop: vitals.loop.closed(length),
          delay: vitals.delay.closed(length),
          cpu: vitals.cpu.closed(length),
          heap: vitals.heap.closed(length),
          rss: vitals.rss.closed(length),
          gc: vitals.gc.closed(length)
        },
        series: (name, dimensions) => byName.get(`${name}${dimensionsKey(dimensions)}`)?.points.closed(length)
      }
    }
  }
}

const valueOf = (series: Metric.Metric.Snapshot): number | undefined => {
  switch (series.type) {
    case "Counter":
    case "Histogram":
      return Number(series.state.count)
    case "Gauge":
      return Number(series.state.value)
    default:
      return undefined
  }
}

// As the datums of a post name them: see MetricBatch.
const dimensionsKey = ({ time_unit: _, ...dimensions }: Readonly<Record<string, string>>): string =>
  JSON.stringify(Object.entries(dimensions).sort(([a], [b]) => a < b ? -1 : 1))

/**
 * A history in which nothing ever happened, for tests.
 *
 * @category testing
 * @since 1.1.0
 */
export const layerMemory: Layer.Layer<History> = Layer.sync(History, () => {
  const recorder = makeRecorder()
  return { view: () => recorder.view(0) }
})
