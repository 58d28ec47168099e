import { escape } from "./Html.ts"

const height = 40

/**
 * Draws values as a line over its area, oldest first, from 0 (or the least, if that is negative) to the greatest; what
 * is not finite is a gap. A screen reader gets `label`.
 *
 * **Details**
 *
 * The scale goes up to `top` at least, so that noise about nothing looks like nothing. With `fromLeast` it starts at the
 * least value: for what moves little and far from 0.
 *
 * @category rendering
 * @since 1.1.0
 */
export const line = (
  values: ReadonlyArray<number>,
  options: { readonly label: string; readonly top?: number | undefined; readonly fromLeast?: boolean | undefined }
): string => {
  const known = values.filter((value) => Number.isFinite(value))
  const greatest = Math.max(...known, options.fromLeast === true ? -Infinity : options.top ?? 0)
  const least = Math.min(...known, options.fromLeast === true ? Infinity : 0)
  const range = greatest - least
  // What never moves lies at the bottom when it is 0, and in the middle otherwise.
  const y = (value: number) =>
    range === 0 ? value === 0 ? height : height / 2 : Math.round(height - ((value - least) / range) * height)
  const path = runsOf(values).map(([start, run]) => areaOf(start, run.map(y), values.length)).join("")
  const box = `0 -1 ${Math.max(1, values.length - 1)} ${height + 2}`
  return `<svg class="line" viewBox="${box}" preserveAspectRatio="none" role="img" aria-label="${
    escape(options.label)
  }"><path d="${path}"/></svg>`
}

// Where the line reaches an end of the plot, its area's edge is drawn beyond it, out of sight.
const areaOf = (start: number, heights: ReadonlyArray<number>, width: number): string => {
  const [first = height] = heights
  const from = start === 0 ? -1 : start
  const steps = heights.slice(1).map((at, index) => `1${signed(at - (heights[index] ?? at))}`).join(" ")
  const to = start + heights.length === width ? width : start + heights.length - 1
  return `M${from} ${height + 1}V${first}H${start}${steps === "" ? "h.2" : `l${steps}`}H${to}V${height + 1}`
}

const signed = (value: number): string => value < 0 ? String(value) : ` ${value}`

const runsOf = (values: ReadonlyArray<number>): ReadonlyArray<readonly [start: number, run: ReadonlyArray<number>]> => {
  const runs: Array<readonly [number, Array<number>]> = []
  for (const [x, value] of values.entries()) {
    if (!Number.isFinite(value)) continue
    if (!Number.isFinite(values[x - 1])) runs.push([x, []])
    runs.at(-1)?.[1].push(value)
  }
  return runs
}

/**
 * Draws results as bars, oldest first: a short one for each `pass`, a tall one for each `fail`.
 *
 * @category rendering
 * @since 1.1.0
 */
export const strip = (
  results: ReadonlyArray<"pass" | "fail">,
  options: { readonly size: number; readonly label: string }
): string => {
  const start = options.size - results.length
  const bars = (which: "pass" | "fail", top: number) =>
    results.map((result, index) => result === which ? `M${(start + index) * 4 + 2} 14V${top}` : "").join("")
  return `<svg class="strip" viewBox="0 0 ${options.size * 4} 14" role="img" aria-label="${escape(options.label)}">` +
    `<path class="good" d="${bars("pass", 6)}"/><path class="bad" d="${bars("fail", 0)}"/></svg>`
}
