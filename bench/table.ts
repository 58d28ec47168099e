import type * as Http from "./http.ts"
import type * as Idle from "./idle.ts"
import type { Comparison } from "./ratios.ts"
import type * as Start from "./start.ts"
import type { Subject } from "./subjects.ts"
import { memoryBase } from "./subjects.ts"

/** What requests of one kind cost each subject, as a markdown table. */
export const requests = (costs: ReadonlyMap<Subject, Http.Cost>): string =>
  align([
    ["subject", "CPU µs/request", "× raw (least–most)", "requests/s", "p99 ms", "× raw", "RSS MB", "lines/request"],
    ...Array.from(costs, ([{ name }, cost]) => [
      name,
      cost.cpu.toFixed(1),
      `${cost.ratio.toFixed(2)} (${cost.least.toFixed(2)}–${cost.most.toFixed(2)})`,
      cost.perSecond.toFixed(0),
      cost.p99.toFixed(2),
      cost.p99Ratio.toFixed(2),
      (cost.rss / 1e6).toFixed(0),
      cost.lines?.toFixed(2) ?? ""
    ])
  ])

/** What starts take, as a markdown table. */
export const starts = (costs: ReadonlyMap<string, Start.Cost>): string =>
  align([
    ["subject", "start ms", "× `node -e 0`"],
    ...Array.from(costs, ([name, { milliseconds, ratio }]) => [name, milliseconds.toFixed(1), ratio.toFixed(2)])
  ])

/** What a process takes that nobody asks, as a markdown table. */
export const idle = (memory: ReadonlyMap<string, Idle.Memory>): string =>
  align([
    ["subject", "idle RSS MB", `× ${memoryBase}`],
    ...Array.from(memory, ([name, { ratio, rss }]) => [
      name,
      (rss / 1e6).toFixed(1),
      Number.isNaN(ratio) ? "" : ratio.toFixed(2)
    ])
  ])

/** What is stored beside what was measured, as a markdown table. */
export const comparisons = (all: ReadonlyArray<Comparison>): string =>
  align([
    ["ratio", "stored", "measured", "bound", ""],
    ...all.map(({ bound, figure, measured, stored, worse }) => [
      figure,
      stored.toFixed(2),
      measured.toFixed(2),
      bound.toFixed(2),
      worse ? "worse" : ""
    ])
  ])

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
