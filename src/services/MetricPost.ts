import type { Datum, Unit } from "./MetricSink.ts"

/**
 * What PutMetricData takes at most.
 *
 * **Details**
 *
 * - `datums` in a call, `values` in a datum and `dimensions` of a datum; lengths of a `name` (of a metric or a
 *   dimension) and of a `dimensionValue` in characters
 *   (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html, API_Dimension.html)
 * - `bytes` in a call: 1 MB is the limit, and it is not said whether before or after compression; this keeps 50 kB for
 *   the rest of the body. The greatest datum takes less than a tenth of it.
 * - magnitudes of a value from `smallest` to `largest`, or 0. CloudWatch names only the greatest, 2^360; the least is
 *   the one Micrometer found (CloudWatchUtils.java).
 *
 * @category constants
 * @since 1.1.0
 */
export const limits = {
  datums: 1000,
  bytes: 950_000,
  values: 150,
  dimensions: 30,
  name: 255,
  dimensionValue: 1024,
  largest: 2 ** 360,
  smallest: 8.51592e-109
} as const

/**
 * How datums become those of CloudWatch.
 *
 * **Details**
 *
 * - `service` is the first dimension of every series
 * - `instance` is one more where it is given: CloudWatch then has, and charges, each series once per instance
 * - `resolution` is how fine CloudWatch stores, in seconds; 60 unless told
 * - `maxSeries` is how many series of one metric name a post may have; 1000 unless told
 *
 * @category models
 * @since 1.1.0
 */
export interface Options {
  readonly service: string
  readonly instance?: string | undefined
  readonly resolution?: 1 | 60 | undefined
  readonly maxSeries?: number | undefined
}

/**
 * A datum as the SDK's `MetricDatum`: each value of `Values` was seen as often as `Counts` says at the same place.
 *
 * @category models
 * @since 1.1.0
 */
export interface PostDatum {
  readonly MetricName: string
  readonly Dimensions: Array<{ readonly Name: string; readonly Value: string }>
  readonly Unit: Unit
  readonly Timestamp: Date
  readonly Values: Array<number>
  readonly Counts: Array<number>
  readonly StorageResolution: 1 | 60
}

/**
 * The datums to post, how many given ones CloudWatch would refuse and so were dropped, and how many went into the
 * series `other`.
 *
 * @category models
 * @since 1.1.0
 */
export interface MetricPost {
  readonly datums: ReadonlyArray<PostDatum>
  readonly invalid: number
  readonly overflowed: number
}

interface Series {
  readonly name: string
  readonly dimensions: PostDatum["Dimensions"]
}

interface Merged extends Series {
  readonly unit: Unit
  readonly timestamp: number
  readonly counts: Map<number, number>
}

interface Family {
  readonly kept: Set<string>
  other: Series | undefined
}

/**
 * Turns the datums of one snapshot into those that PutMetricData carries; none breaks a limit of {@link limits}, which
 * would fail the whole call.
 *
 * **Details**
 *
 * - The dimensions of a series are its service, its instance if told, and its own; of those, one called `service` (or
 *   `instance`, if told) is left out. Metrics `http_server_*` leave out method and route and have `status_class`
 *   (`"2xx"`) in place of the status code.
 * - Series that so fall together are merged: their values stand side by side, the counts of equal ones added up. The
 *   sum of counters stays what it was.
 * - Characters other than printable ASCII become `?`, names and values that are too long are cut, dimensions that are
 *   blank are left out, and the colons that a dimension's name starts with go. Of dimensions that so get the same name
 *   the first in alphabetical order stays. Values too small become 0.
 * - A datum with a blank name, too many dimensions, a value or a count that CloudWatch cannot take, or no values is
 *   dropped alone.
 * - Beyond `maxSeries` series of one name, the first ones stay and all others become one, whose own dimensions are
 *   named as those of the first of them and have the value `other`.
 * - Timestamps are cut to the minute, or to the second at a resolution of 1.
 *
 * @category conversions
 * @since 1.1.0
 * @example
 * ```ts
 * const datum: Datum = { name: "orders_total", unit: "Count", timestamp: 61_000, dimensions: {}, values: [3], counts: [1] }
 * make([datum], { service: "shop" }).datums
 * // [{ MetricName: "orders_total", Dimensions: [{ Name: "service", Value: "shop" }], Unit: "Count",
 * //    Timestamp: new Date(60_000), Values: [3], Counts: [1], StorageResolution: 60 }]
 * ```
 */
export const make = (
  datums: ReadonlyArray<Datum>,
  { instance, maxSeries = 1000, resolution = 60, service }: Options
): MetricPost => {
  const common = Object.entries({ service, ...(instance === undefined ? {} : { instance }) })
  const commonNames = new Set(common.map(([name]) => name))
  const families = new Map<string, Family>()
  const merged = new Map<string, Merged>()
  let invalid = 0
  let overflowed = 0

  const capped = (series: Series): Series => {
    const family = families.get(series.name) ?? { kept: new Set(), other: undefined }
    families.set(series.name, family)
    const key = JSON.stringify(series.dimensions)
    if (family.kept.has(key)) return series
    if (family.kept.size < maxSeries) {
      family.kept.add(key)
      return series
    }
    overflowed++
    return family.other ??= {
      name: series.name,
      dimensions: series.dimensions.map(({ Name, Value }) => ({
        Name,
        Value: commonNames.has(Name) ? Value : "other"
      }))
    }
  }

  const take = (datum: Datum) => {
    const name = printable(datum.name, limits.name)
    const dimensions = dimensionsOf([...common, ...ownDimensions(datum)])
    const timestamp = Math.floor(datum.timestamp / (resolution * 1000)) * resolution * 1000
    const counts = countsOf(datum)
    if (
      isBlank(name) || dimensions.length > limits.dimensions || counts === undefined ||
      Number.isNaN(new Date(timestamp).getTime())
    ) {
      invalid++
      return
    }
    const series = capped({ name, dimensions })
    const key = JSON.stringify([series.name, series.dimensions, datum.unit, timestamp])
    const same = merged.get(key)
    if (same === undefined) merged.set(key, { ...series, unit: datum.unit, timestamp, counts })
    else for (const [value, count] of counts) add(same.counts, value, count)
  }
  for (const datum of datums) {
    try {
      take(datum)
    } catch {
      invalid++
    }
  }

  return {
    datums: [...merged.values()].flatMap((series) =>
      chunksOf([...series.counts], limits.values).map((entries) => ({
        MetricName: series.name,
        Dimensions: series.dimensions,
        Unit: series.unit,
        Timestamp: new Date(series.timestamp),
        Values: entries.map(([value]) => value),
        Counts: entries.map(([, count]) => count),
        StorageResolution: resolution
      }))
    ),
    invalid,
    overflowed
  }
}

/**
 * How many bytes of the uncompressed request body a datum of {@link make} takes at most, in the SDK's protocol
 * awsJson1_0: its JSON and a comma.
 *
 * @category sizes
 * @since 1.1.0
 * @example
 * ```ts
 * datums.reduce((bytes, datum) => bytes + sizeOf(datum), 0) <= limits.bytes
 * ```
 */
export const sizeOf = (datum: PostDatum): number =>
  JSON.stringify({ ...datum, Timestamp: datum.Timestamp.getTime() / 1000 }).length + 1

/**
 * What CloudWatch takes for `value`: itself, 0 where it is too small, nothing where it is too large or not a number.
 *
 * @category conversions
 * @since 1.1.0
 * @example
 * ```ts
 * [1, 1e-200, 1e200].map(postable) // [1, 0, undefined]
 * ```
 */
export const postable = (value: number): number | undefined =>
  !Number.isFinite(value) || Math.abs(value) > limits.largest
    ? undefined
    : Math.abs(value) < limits.smallest
    ? 0
    : value

/**
 * Cuts `values` into parts of `size`, the last of them shorter.
 *
 * @category conversions
 * @since 1.1.0
 * @example
 * ```ts
 * chunksOf([1, 2, 3], 2) // [[1, 2], [3]]
 * ```
 */
export const chunksOf = <A>(values: ReadonlyArray<A>, size: number): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from({ length: Math.ceil(values.length / size) }, (_, index) => values.slice(index * size, (index + 1) * size))

const ownDimensions = ({ dimensions, name }: Datum): ReadonlyArray<readonly [name: string, value: string]> => {
  const entries = Object.entries(name.startsWith("http_server_") ? byClass(dimensions) : dimensions)
  return entries.sort(([a], [b]) => a < b ? -1 : 1)
}

const byClass = (
  {
    http_request_method: _method,
    http_response_status_code: status,
    http_route: _route,
    ...dimensions
  }: Datum["dimensions"]
): Datum["dimensions"] =>
  status === undefined
    ? dimensions
    : { ...dimensions, status_class: /^\d{3}$/.test(status) ? `${String(status)[0]}xx` : "other" }

const dimensionsOf = (entries: ReadonlyArray<readonly [name: string, value: string]>): PostDatum["Dimensions"] => {
  const dimensions = new Map<string, string>()
  for (const [name, value] of entries) {
    const Name = printable(name.replace(/^:+/, ""), limits.name)
    const Value = printable(value, limits.dimensionValue)
    if (!isBlank(Name) && !isBlank(Value) && !dimensions.has(Name)) dimensions.set(Name, Value)
  }
  return Array.from(dimensions, ([Name, Value]) => ({ Name, Value }))
}

// An app may have given what is no text.
const printable = (text: string, length: number): string => String(text).replace(/[^\x20-\x7e]/gu, "?").slice(0, length)

const isBlank = (text: string): boolean => text.trim() === ""

const countsOf = ({ counts, values }: Datum): Map<number, number> | undefined => {
  const seen = new Map<number, number>()
  for (const [index, given] of values.entries()) {
    const value = postable(given)
    const count = postable(counts[index] ?? 0)
    if (value === undefined || count === undefined || count <= 0) return undefined
    add(seen, value, count)
  }
  return seen.size === 0 || values.length !== counts.length ? undefined : seen
}

const add = (counts: Map<number, number>, value: number, count: number) => {
  counts.set(value, (counts.get(value) ?? 0) + count)
}
