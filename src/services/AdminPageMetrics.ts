import { none, section, table } from "./AdminPageTable.ts"
import { period } from "./AdminPageVitals.ts"
import type { HealthDocument } from "./HealthDocument.ts"
import type { View } from "./History.ts"
import { clip } from "./Html.ts"
import * as Human from "./HumanFormat.ts"
import { quantile } from "./OperationHistory.ts"
import * as Sparkline from "./Sparkline.ts"

const known = (values: ReadonlyArray<number>) => values.filter((value) => Number.isFinite(value))

type PostedDatum = HealthDocument["metrics"][number]

/**
 * The metrics that were posted last, newest first.
 *
 * @category rendering
 * @since 1.1.0
 */
export const metricsSection = ({ metrics }: HealthDocument, { seconds, series }: View): string =>
  section({
    id: "metrics",
    title: "Last 10 metrics",
    note: metrics.length === 0
      ? ""
      : `posted at ${Human.timeOfDay(metrics.at(-1)?.time ?? "", { milliseconds: false })}; all of them: ` +
        `<a href="/metrics">/metrics</a>`,
    body: metrics.length === 0 ? none("No metrics were posted yet; the first are a second after the start.") : table(
      "Last metrics",
      [{ heading: "Metric" }, { heading: "Value", kind: "n" }, { heading: period(seconds), kind: "plot" }],
      [...metrics].reverse().map((datum) => {
        const values = series(datum.name, datum.dimensions)
        const dimensions = Object.entries(datum.dimensions).map(([name, value]) => `${name}=${value}`).join(" ")
        return [
          `${clip(datum.name, 120)}${dimensions === "" ? "" : `<br><small>${clip(dimensions, 150)}</small>`}`,
          distribution(datum),
          values === undefined || known(values).length === 0 ? "" : Sparkline.line(values, {
            label: `from ${Human.number(Math.min(...known(values)))} to ${Human.number(Math.max(...known(values)))}`
          })
        ]
      }),
      " pair"
    )
  })

const longestList = 4

const distribution = ({ counts, unit, values }: PostedDatum): string => {
  const shown = unit === "Bytes"
    ? Human.bytes
    : unit === "Seconds"
    ? Human.latency
    : unit === "Percent"
    ? (value: number) => Human.percent(value / 100)
    : unit === "Milliseconds"
    ? (value: number) => Human.latency(value / 1000)
    : Human.number
  if (values.length <= longestList) {
    return values.map((value, index) =>
      counts[index] === 1 ? shown(value) : `${shown(value)} × ${Human.number(counts[index] ?? 0)}`
    ).join("<br>")
  }
  const ascending = values.map((value, index) => [value, counts[index] ?? 0] as const).sort(([a], [b]) => a - b)
  const total = counts.reduce((sum, count) => sum + count, 0)
  const at = (share: number) => shown(quantile(ascending, share) ?? NaN)
  return `${Human.number(total)} values<br><small>p50 ${at(0.5)} · p99 ${at(0.99)} · max ${at(1)}</small>`
}
