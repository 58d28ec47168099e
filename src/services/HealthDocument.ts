import type { Armed } from "./BreakGlass.ts"
import type { HealthReport } from "./Health.ts"
import type { Account } from "./Ledger.ts"
import type { toJson } from "./LogLevels.ts"
import type { LogEvent } from "./LogSink.ts"
import type { Datum } from "./MetricSink.ts"
import type { OperationStats } from "./OperationHistory.ts"

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
  readonly armed?: Armed | undefined
  readonly ledger: ReadonlyArray<Account>
  readonly logLevel: LogLevels
  readonly logs: ReadonlyArray<LogEvent>
  readonly metrics: ReadonlyArray<Datum>
  readonly operations: ReadonlyArray<OperationStats>
}

type LogLevels = ReturnType<typeof toJson>

/**
 * The full health document as `application/health+json` (draft-inadarei-api-health-check): the draft's own members,
 * then the service's last log entries and metrics, oldest first, and what its operations did in the last minutes.
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
  /** While dangerous endpoints are there. */
  armed: parts.armed === undefined
    ? undefined
    : { until: new Date(parts.armed.until).toISOString(), reason: parts.armed.reason },
  checks: parts.report.checks,
  operations: parts.operations.map(({ rates: _, ...stats }) => stats),
  ledger: parts.ledger,
  logLevel: parts.logLevel,
  logs: parts.logs.map(({ line }) => JSON.parse(line) as Readonly<Record<string, unknown>>),
  metrics: parts.metrics.map(({ timestamp, ...datum }) => ({ ...datum, time: new Date(timestamp).toISOString() }))
})

/**
 * @category models
 * @since 1.1.0
 */
export type HealthDocument = ReturnType<typeof make>
