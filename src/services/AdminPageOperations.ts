import { none, rest, section, table } from "./AdminPageTable.ts"
import { period } from "./AdminPageVitals.ts"
import type { View } from "./History.ts"
import { clip } from "./Html.ts"
import * as Human from "./HumanFormat.ts"
import { isChassis, type OperationStats } from "./OperationHistory.ts"
import * as Sparkline from "./Sparkline.ts"

const most = { operations: 10, chassis: 6 }

/**
 * What the operations did in the last minutes, the busiest first; the chassis' own paths apart.
 *
 * @category rendering
 * @since 1.1.0
 */
export const operationsSection = ({ operations, seconds }: View): string => {
  const busiest = [...operations].sort((a, b) => b.answers - a.answers)
  const own = busiest.filter(({ operation }) => !isChassis(operation))
  const chassis = busiest.filter(({ operation }) => isChassis(operation))
  return section({
    id: "operations",
    title: "HTTP operations",
    note: period(seconds),
    body: (own.length === 0
      ? none("No operation was called yet.")
      : operationsTable("Operations of the service", own.slice(0, most.operations)) +
        rest(own.length - most.operations, "/health")) +
      (chassis.length === 0
        ? ""
        : `<details class="more"><summary>Probes, documents and this listener</summary>${
          operationsTable("Paths of the chassis", chassis.slice(0, most.chassis))
        }</details>`)
  })
}

const operationsTable = (caption: string, rows: ReadonlyArray<OperationStats>) =>
  table(
    caption,
    [
      { heading: "Operation" },
      { heading: "Rate", kind: "n" },
      { heading: "Errors", kind: "n" },
      { heading: "p50", kind: "n" },
      { heading: "p99", kind: "n" },
      { heading: "Answers per second", kind: "plot" }
    ],
    rows.map(({ answers, errors, method, operation, p50, p99, perSecond, rates }) => [
      `${clip(operation, 120)} <small>${clip(method, 12)}</small>`,
      answers === 0 ? "0/s" : perSecond < 0.1 ? `${Human.number(perSecond * 60)}/min` : `${Human.number(perSecond)}/s`,
      errors === 0
        ? "0"
        : `<b class="fail">${Human.number(errors)}</b> <small>${Human.percent(errors / answers)}</small>`,
      p50 === undefined ? "–" : Human.latency(p50),
      p99 === undefined ? "–" : Human.latency(p99),
      Sparkline.line(rates, { label: `up to ${Human.number(Math.max(0, ...rates))} per second`, top: 1 })
    ])
  )
