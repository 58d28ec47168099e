import type { HealthReport } from "./Health.ts"
import type { Page } from "./HealthPage.ts"
import { type Account, describe, droppedOf, rejectedOf } from "./Ledger.ts"
import type { LogEvent } from "./LogSink.ts"
import type { Datum } from "./MetricSink.ts"

/**
 * What the full health document is made of. Times are milliseconds since the epoch.
 *
 * @category models
 * @since 1.1.0
 */
export interface Parts {
  readonly service: string
  readonly version: string
  readonly environment: string
  readonly instance: string
  readonly state: string
  readonly startedAt: number
  readonly now: number
  readonly report: HealthReport
  readonly ledger: ReadonlyArray<Account>
  readonly logs: ReadonlyArray<LogEvent>
  readonly metrics: ReadonlyArray<Datum>
}

/**
 * The full health document as `application/health+json` (draft-inadarei-api-health-check): the draft's own members,
 * then the service's last log entries and metrics, oldest first.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = (parts: Parts) => ({
  status: parts.report.status,
  releaseId: parts.version,
  serviceId: parts.service,
  state: parts.state,
  environment: { kind: parts.environment, instance: parts.instance },
  startedAt: new Date(parts.startedAt).toISOString(),
  uptimeSeconds: Math.round((parts.now - parts.startedAt) / 1000),
  checks: parts.report.checks,
  ledger: parts.ledger,
  logs: parts.logs.map(({ line }) => JSON.parse(line) as Readonly<Record<string, unknown>>),
  metrics: parts.metrics.map(({ timestamp, ...datum }) => ({ ...datum, time: new Date(timestamp).toISOString() }))
})

/**
 * @category models
 * @since 1.1.0
 */
export type HealthDocument = ReturnType<typeof make>

/**
 * Lays the document out for people, newest first.
 *
 * @category conversions
 * @since 1.1.0
 */
export const toPage = (document: HealthDocument): Page => ({
  service: document.serviceId,
  version: document.releaseId,
  status: document.status,
  state: document.state,
  environment: document.environment.kind,
  instance: document.environment.instance,
  startedAt: document.startedAt,
  uptime: formatSeconds(document.uptimeSeconds),
  links: [
    { text: "metrics", href: "/metrics" },
    { text: "ledger", href: "/ledger" },
    { text: "settings", href: "/settings" },
    { text: "version", href: "/version" }
  ],
  checks: {
    headings: ["Check", "Status", "Critical", "Last run", "Took", "Failures", "Why"],
    empty: "No checks are registered.",
    rows: Object.entries(document.checks).flatMap(([name, reports]) =>
      reports.map((report) => [
        name,
        report.status,
        report.critical ? "yes" : "no",
        report.time ?? "never",
        report.observedValue === undefined ? "" : `${report.observedValue} ms`,
        String(report.consecutiveFailures),
        report.output ?? ""
      ])
    )
  },
  ledger: {
    headings: ["Account", "Offered", "Delivered", "Rejected", "Dropped", "Buffered", "In flight", "In words"],
    empty: "Nothing is delivered anywhere: this is not AWS.",
    rows: document.ledger.map((account) => [
      account.name,
      ...[
        account.offered,
        account.delivered,
        rejectedOf(account),
        droppedOf(account),
        account.buffered,
        account.inFlight
      ].map(String),
      account.failure === undefined ? describe(account) : `${describe(account)}; ${account.failure}`
    ])
  },
  logs: {
    headings: ["Time", "Level", "Message"],
    empty: "Nothing was logged yet.",
    rows: document.logs.map(({ level, message, timestamp, ...fields }) => [
      shown(timestamp),
      shown(level),
      `${shown(message)}${Object.entries(fields).map(([name, value]) => ` ${name}=${shown(value)}`).join("")}`
    ]).reverse()
  },
  metrics: {
    headings: ["Time", "Metric", "Value"],
    empty: "No metrics were posted yet; the first are a second after the start.",
    rows: document.metrics.map(({ counts, dimensions, name, time, unit, values }) => [
      time,
      `${name}${Object.entries(dimensions).map(([key, value]) => ` ${key}=${value}`).join("")}`,
      `${distribution(values, counts)}${unit === "None" ? "" : ` ${unit}`}`
    ]).reverse()
  }
})

const longestList = 4

const distribution = (values: ReadonlyArray<number>, counts: ReadonlyArray<number>): string => {
  if (values.length <= longestList) {
    return values.map((value, index) => counts[index] === 1 ? short(value) : `${short(value)}×${counts[index]}`).join(
      " "
    )
  }
  const ascending = values.map((value, index) => [value, counts[index] ?? 0] as const).sort(([a], [b]) => a - b)
  const total = counts.reduce((sum, count) => sum + count, 0)
  const quantile = (share: number) => {
    let seen = 0
    return ascending.find(([, count]) => (seen += count) >= total * share)?.[0] ?? NaN
  }
  return `${short(total)} values: p50 ${short(quantile(0.5))}, p99 ${short(quantile(0.99))}, max ${short(quantile(1))}`
}

const short = (value: number): string => Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)))

const shown = (value: unknown): string => typeof value === "string" ? value : JSON.stringify(value) ?? ""

const formatSeconds = (seconds: number): string => {
  const parts: ReadonlyArray<readonly [string, number]> = [
    ["d", Math.floor(seconds / 86_400)],
    ["h", Math.floor(seconds / 3600) % 24],
    ["m", Math.floor(seconds / 60) % 60],
    ["s", seconds % 60]
  ]
  return parts.filter(([unit, value]) => value > 0 || unit === "s").map(([unit, value]) => `${value}${unit}`).join(" ")
}
