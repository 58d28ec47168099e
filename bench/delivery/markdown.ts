/** A markdown table, the first column left-aligned, the others right. */
export const table = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const [header = [], ...body] = rows
  const widths = header.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const pad = (text: string, column: number) =>
    column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0)
  const line = (cells: ReadonlyArray<string>) =>
    `| ${header.map((_, index) => pad(cells[index] ?? "", index)).join(" | ")} |`
  const rule = `|${widths.map((width, column) => "-".repeat(width + 1) + (column === 0 ? "-" : ":")).join("|")}|`
  return [line(header), rule, ...body.map(line)].join("\n")
}
