import type * as Metric from "effect/Metric"
import { preferred } from "./Accept.ts"

/**
 * The text formats of metrics: Prometheus' own (0.0.4) and OpenMetrics 1.0.
 *
 * @category models
 * @since 1.1.0
 */
export type Format = "prometheus" | "openmetrics"

/**
 * The content type of each format.
 *
 * @category constants
 * @since 1.1.0
 */
export const contentTypes: Readonly<Record<Format, string>> = {
  prometheus: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
}

/**
 * The format that an `Accept` header asks for: OpenMetrics where it is preferred to plain text.
 *
 * @category getters
 * @since 1.1.0
 */
export const accepted = (accept: string | undefined): Format =>
  preferred(accept, ["application/openmetrics-text", "text/plain"]) === "application/openmetrics-text"
    ? "openmetrics"
    : "prometheus"

type Kind = "counter" | "gauge" | "histogram" | "summary"
// What the names that belong to a family end in.
const suffixes: Readonly<Record<Kind, ReadonlyArray<string>>> = {
  counter: ["", "_total"],
  gauge: [""],
  histogram: ["", "_bucket", "_sum", "_count"],
  summary: ["", "_sum", "_count"]
}

type Labels = ReadonlyArray<readonly [name: string, value: string]>
type Sample = readonly [suffix: string, labels: Labels, value: number | bigint]

interface Family {
  readonly name: string
  readonly kind: Kind
  readonly help: string
  readonly samples: Array<string>
  readonly series: Set<string>
}

/**
 * Writes metrics so that Prometheus takes all of them, whatever their names and attributes.
 *
 * **Details**
 *
 * Counters that only grow end in `_total`; others, which may fall, are gauges. Of two series that come to the same name
 * and labels, and of two metrics that come to the same name as different types, be it only that of a `_count`, the first
 * stays: Prometheus would refuse the whole text. A value that is no number is `NaN`.
 *
 * @category rendering
 * @since 1.1.0
 */
export const render = (snapshot: ReadonlyArray<Metric.Metric.Snapshot>, format: Format): string => {
  // By each of their names.
  const families = new Map<string, Family>()

  const add = (metric: Metric.Metric.Snapshot) => {
    const kind = kindOf(metric)
    const sanitized = nameOf(metric.id)
    const name = kind === "counter" ? sanitized.replace(/(.)_total$/, "$1") : sanitized
    const names = suffixes[kind].map((suffix) => name + suffix)
    const family = families.get(name) ??
      { name, kind, help: metric.description || metric.id, samples: [], series: new Set<string>() }
    if (family.name !== name || family.kind !== kind) return
    if (names.some((name) => (families.get(name) ?? family) !== family)) return
    for (const name of names) families.set(name, family)
    const labels = labelsOf(metric, kind)
    const isNew = (labels: Labels) => {
      const { size } = family.series
      return family.series.add(writeLabels([...labels].sort(([a], [b]) => a < b ? -1 : 1))).size > size
    }
    const byWord = metric.type === "Frequency"
    if (!byWord && !isNew(labels)) return
    for (const [suffix, own, value] of samplesOf(metric, format)) {
      const all = [...labels, ...own]
      if (!byWord || isNew(all)) family.samples.push(`${name}${suffix}${writeLabels(all)} ${writeNumber(value)}`)
    }
  }
  for (const metric of snapshot) {
    try {
      add(metric)
    } catch {
      // Its state, which an app may give by a hook of its own, is none.
    }
  }
  const lines = [...new Set(families.values())].flatMap((family) => [...headOf(family, format), ...family.samples])
  return [...lines, ...(format === "openmetrics" ? ["# EOF"] : [])].map((line) => `${line}\n`).join("")
}

const kindOf = (metric: Metric.Metric.Snapshot): Kind => {
  switch (metric.type) {
    case "Counter":
      return metric.state.incremental ? "counter" : "gauge"
    case "Frequency":
      return "counter"
    case "Gauge":
      return "gauge"
    case "Histogram":
      return "histogram"
    case "Summary":
      return "summary"
  }
}

const nameOf = (id: string): string => {
  const name = id.replace(/[^a-zA-Z0-9_:]+/g, "_")
  return /^[a-zA-Z_:]/.test(name) ? name : `_${name}`
}

// Two underscores in front are Prometheus' own.
const labelNameOf = (key: string): string => {
  const name = key.replace(/[^a-zA-Z0-9_]+/g, "_").replace(/^__+/, "_")
  return /^[a-zA-Z_]/.test(name) ? name : `_${name}`
}

const reserved: Partial<Record<Kind, string>> = { histogram: "le", summary: "quantile" }

const labelsOf = ({ attributes, type }: Metric.Metric.Snapshot, kind: Kind): Labels => {
  const labels = new Map<string, string>()
  const own = type === "Frequency" ? "key" : reserved[kind]
  for (const [key, value] of Object.entries(attributes ?? {})) {
    // Effect's own notes on a metric, which say nothing of a series
    if (key === "unit" || key === "time_unit") continue
    // To Prometheus an empty label is none: with one, a series would be there twice.
    if (String(value) === "") continue
    const name = labelNameOf(key)
    const free = name === own ? `exported_${name}` : name
    if (!labels.has(free)) labels.set(free, String(value))
  }
  return [...labels]
}

const samplesOf = (metric: Metric.Metric.Snapshot, format: Format): ReadonlyArray<Sample> => {
  switch (metric.type) {
    case "Counter":
      return [[metric.state.incremental ? "_total" : "", [], metric.state.count]]
    case "Gauge":
      return [["", [], metric.state.value]]
    case "Frequency":
      return Array.from(metric.state.occurrences, ([key, count]): Sample => ["_total", [["key", String(key)]], count])
    case "Histogram": {
      const { buckets, count, sum } = metric.state
      return [
        ...[...new Map(buckets)].filter(([bound]) => bound !== Number.POSITIVE_INFINITY).map((
          [bound, seen]
        ): Sample => [
          "_bucket",
          [["le", boundary(bound, format)]],
          seen
        ]),
        ["_bucket", [["le", "+Inf"]], count],
        ["_sum", [], sum],
        ["_count", [], count]
      ]
    }
    case "Summary": {
      const { count, quantiles, sum } = metric.state
      return [
        ...[...new Map(quantiles)].flatMap(([quantile, value]): ReadonlyArray<Sample> =>
          value === undefined ? [] : [["", [["quantile", boundary(quantile, format)]], value]]
        ),
        ["_sum", [], sum],
        ["_count", [], count]
      ]
    }
  }
}

const boundary = (value: number, format: Format): string =>
  format === "openmetrics" && Number.isInteger(value) && value < 1e15 ? `${value}.0` : String(value)

const headOf = ({ help, kind, name }: Family, format: Format): ReadonlyArray<string> => {
  const full = kind === "counter" && format === "prometheus" ? `${name}_total` : name
  const unit = format === "openmetrics" ? /_(seconds|bytes|ratio)$/.exec(name)?.[1] : undefined
  const escaped = help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")
  return [
    `# HELP ${full} ${format === "openmetrics" ? escaped.replaceAll("\"", "\\\"") : escaped}`,
    `# TYPE ${full} ${kind}`,
    ...(unit === undefined ? [] : [`# UNIT ${full} ${unit}`])
  ]
}

const writeLabels = (labels: Labels): string =>
  labels.length === 0 ?
    "" :
    `{${
      labels.map(([name, value]) =>
        `${name}="${value.replaceAll("\\", "\\\\").replaceAll("\"", "\\\"").replaceAll("\n", "\\n")}"`
      ).join(",")
    }}`

const writeNumber = (value: number | bigint): string =>
  value === Number.POSITIVE_INFINITY
    ? "+Inf"
    : value === Number.NEGATIVE_INFINITY
    ? "-Inf"
    : typeof value === "number" || typeof value === "bigint"
    ? String(value)
    : "NaN"
