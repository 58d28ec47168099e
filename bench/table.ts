import type * as Http from "./http.ts"
import type * as Start from "./start.ts"
import type { Subject } from "./subjects.ts"

const header = [
  "subject",
  "CPU µs/request",
  "× raw (least–most)",
  "requests/s",
  "p99 ms",
  "RSS MB",
  "lines/request",
  "start ms",
  "× `node -e 0`"
]

/** One markdown table of all that was measured; what was not is empty. */
export const render = (
  subjects: ReadonlyArray<Subject>,
  costs: ReadonlyMap<Subject, Http.Cost> | undefined,
  starts: ReadonlyMap<string, Start.Cost> | undefined
): string => {
  const started = (name: string) => {
    const start = starts?.get(name)
    return start === undefined ? ["", ""] : [start.milliseconds.toFixed(1), start.ratio.toFixed(2)]
  }
  const answered = (subject: Subject) => {
    const cost = costs?.get(subject)
    return cost === undefined ? Array.from({ length: 6 }, () => "") : [
      cost.cpu.toFixed(1),
      `${cost.ratio.toFixed(2)} (${cost.least.toFixed(2)}–${cost.most.toFixed(2)})`,
      cost.perSecond.toFixed(0),
      cost.p99.toFixed(2),
      (cost.rss / 1e6).toFixed(0),
      cost.lines?.toFixed(2) ?? ""
    ]
  }
  const commands = [...starts?.keys() ?? []].filter((name) => subjects.every((subject) => subject.name !== name))
  return align([
    header,
    ...commands.map((name) => [name, "", "", "", "", "", "", ...started(name)]),
    ...subjects.map((subject) => [subject.name, ...answered(subject), ...started(subject.name)])
  ])
}

/** Rows as a markdown table, the first its header. */
export const align = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: ReadonlyArray<string>) =>
    `| ${
      cells.map((cell, column) => column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)).join(
        " | "
      )
    } |`
  const rule = `|${widths.map((width, column) => "-".repeat(width + 1) + (column === 0 ? "-" : ":")).join("|")}|`
  return [line(rows[0] ?? []), rule, ...rows.slice(1).map(line)].join("\n")
}
