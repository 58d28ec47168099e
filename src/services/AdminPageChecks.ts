import { none, notes, rest, section, table } from "./AdminPageTable.ts"
import { type CheckReport, historySize } from "./Health.ts"
import type { HealthDocument } from "./HealthDocument.ts"
import { clip } from "./Html.ts"
import * as Human from "./HumanFormat.ts"
import * as Sparkline from "./Sparkline.ts"

const most = 14

const rank = { fail: 0, warn: 1, pass: 2 }

/**
 * The health checks, the worst first.
 *
 * @category rendering
 * @since 1.1.0
 */
export const checksSection = ({ checks }: HealthDocument): string => {
  const all = Object.entries(checks).flatMap(([name, reports]) => reports.map((report) => ({ name, ...report })))
    .sort((a, b) => rank[a.status] - rank[b.status])
  const columns = [
    { heading: "Check" },
    { heading: "Status" },
    { heading: "Last run" },
    { heading: "Took", kind: "n" },
    { heading: "History", kind: "strips" }
  ]
  return section({
    id: "checks",
    title: "Checks",
    note: all.length === 0 ? "" : `last ${historySize} results each, tall ones failed`,
    body: all.length === 0
      ? none("No checks are registered.")
      : table("Health checks", columns, all.slice(0, most).map(checkRow)) +
        rest(all.length - most, "/health")
  })
}

const checkRow = (check: typeof CheckReport.Type & { readonly name: string }): ReadonlyArray<string> => {
  const { ageMilliseconds, critical, description, history = [], name, observedValue, output, status } = check
  const failed = history.filter((result) => result === "fail").length
  const said = [critical ? "" : "not critical", description ?? ""].filter((text) => text !== "")
  return [
    clip(name, 100) + notes(said, 110) +
    (output === undefined
      ? ""
      : `<br><small class="tone ${status === "fail" ? "fail" : "warn"}">${clip(output, 200)}</small>`),
    `<b class="${status}">${status}</b>`,
    ageOf(ageMilliseconds),
    observedValue === undefined ? "" : Human.latency(observedValue / 1000),
    history.length === 0
      ? ""
      : Sparkline.strip(history, { size: historySize, label: `${failed} of the last ${history.length} failed` })
  ]
}

const ageOf = (milliseconds: number | undefined) =>
  milliseconds === undefined
    ? "never"
    : milliseconds < 1000
    ? "just now"
    : `${Human.seconds(milliseconds / 1000)} ago`
