import type { Frame, OperationRow } from "./TopFrame.ts"

/**
 * How large a screen is, in characters, and whether it has colours.
 *
 * @category models
 * @since 1.1.0
 */
export interface Size {
  readonly columns: number
  readonly rows: number
  readonly colours: boolean
}

/**
 * What a screen says besides a frame: whom it asks, and why there is no answer at the moment.
 *
 * @category models
 * @since 1.1.0
 */
export interface Caption {
  readonly target: string
  readonly failure?: string | undefined
  readonly hint: string
}

/**
 * A part of a line in one colour: an SGR code, or none.
 */
type Part = readonly [text: string, colour?: number | undefined]
type Line = ReadonlyArray<Part>

const bold = 1
const dim = 2
const colours: Readonly<Record<string, number>> = { pass: 32, warn: 33, fail: 31 }

/**
 * Renders a frame as lines that fit the screen: exactly `rows`, or as many as there are where `rows` is infinite, none
 * longer than `columns`.
 *
 * **Details**
 *
 * What the service says is escaped: no name or message can steer the terminal. Operations that find no room are
 * counted.
 *
 * @category rendering
 * @since 1.1.0
 */
export const render = (frame: Frame | undefined, caption: Caption, size: Size): ReadonlyArray<string> => {
  const top = [...headOf(frame, caption), ...(frame === undefined ? [] : processOf(frame))]
  const below = frame === undefined ? [] : [...checksOf(frame), ...accountsOf(frame)]
  const foot: ReadonlyArray<Line> = caption.hint === "" || size.rows < 2 ? [] : [[[caption.hint, dim]]]
  const room = size.rows - top.length - foot.length
  const kept = below.slice(0, Math.max(0, Math.min(below.length, Math.floor(room / 2))))
  const operations = frame === undefined ? [] : operationsOf(frame, room - kept.length, size.columns)
  const lines = [...top, ...operations, ...kept]
  const left = size.rows - foot.length
  const blank = Number.isFinite(left) ? Math.max(0, left - lines.length) : 0
  const all = [...lines.slice(0, left), ...Array.from({ length: blank }, (): Line => []), ...foot]
  return all.map((line) => paint(line, size))
}

const headOf = (frame: Frame | undefined, { failure, target }: Caption): ReadonlyArray<Line> => {
  const { checks, environment, logLevel, releaseId, serviceId, state, status = "", uptimeSeconds } = frame?.health ?? {}
  const changes = logLevel?.changes?.length ?? 0
  const failing = Object.values(checks ?? {}).flat().filter((check) => check.status !== "pass").length
  return [
    [
      [serviceId ?? target, bold],
      [" "],
      [status, colours[status]],
      [
        [
          "",
          releaseId,
          state,
          environment?.kind,
          environment?.instance,
          uptimeSeconds === undefined ? undefined : `up ${age(uptimeSeconds)}`,
          logLevel?.level === undefined
            ? undefined
            : `log ${logLevel.level}${changes === 0 ? "" : ` (${changes} changed)`}`,
          failing === 0 ? undefined : `${failing} check${failing === 1 ? "" : "s"} not passing`
        ].filter((part) => part !== undefined).join("  ")
      ]
    ],
    ...(failure === undefined ? [] : [[[`${target}: ${failure}`, colours["fail"]]] satisfies Line])
  ]
}

const processOf = ({ process }: Frame): ReadonlyArray<Line> => {
  const { cpuCores, external, fds, fibers, gcPerSecond, gcRatio, heapTotal, heapUsed } = process
  const { loopMax, loopP99, loopUtilization, rss } = process
  return [
    [
      ["cpu ", dim],
      [percent(cpuCores).padStart(5)],
      ["  loop ", dim],
      [percent(loopUtilization).padStart(5)],
      ["  lag p99 ", dim],
      [time(loopP99).padStart(7), loopP99 !== undefined && loopP99 > 0.1 ? colours["warn"] : undefined],
      ["  max ", dim],
      [time(loopMax).padStart(7)],
      ["  gc ", dim],
      [`${percent(gcRatio)} (${number(gcPerSecond)}/s)`]
    ],
    [
      ["rss ", dim],
      [bytes(rss)],
      ["  heap ", dim],
      [`${bytes(heapUsed)} of ${bytes(heapTotal)}`],
      ["  external ", dim],
      [bytes(external)],
      ["  fibers ", dim],
      [count(fibers)],
      ["  fds ", dim],
      [count(fds)]
    ]
  ]
}

const heads = ["/s", "errors/s", "p50", "p99", "in flight"]
const widths = [9, 9, 9, 9, 10]
const numbersWidth = widths.reduce((sum, width) => sum + width, 0)

const operationsOf = ({ operations }: Frame, room: number, columns: number): ReadonlyArray<Line> => {
  if (room < 2) return []
  const longest = Math.max("operation".length, ...operations.map(({ operation }) => plain(operation).length))
  const name = Math.max(9, Math.min(longest, columns - numbersWidth))
  const head: Line = [[
    "operation".padEnd(name) + heads.map((head, index) => head.padStart(widths[index] ?? 0)).join(""),
    bold
  ]]
  if (operations.length === 0) {
    const none: ReadonlyArray<Line> = [[], head, [["nothing was answered yet", dim]]]
    return none.slice(0, room)
  }
  const space = room - 2
  const shown = operations.length <= space ? operations : operations.slice(0, Math.max(0, space - 1))
  const more = operations.length - shown.length
  return [
    [],
    head,
    ...shown.map((row) => rowOf(row, name)),
    ...(more > 0 && space > 0 ? [[[`and ${more} more`, dim]] satisfies Line] : [])
  ]
}

const rowOf = ({ errorsPerSecond, inFlight, operation, p50, p99, perSecond }: OperationRow, name: number): Line => {
  const idle = perSecond === 0 && inFlight === 0 ? dim : undefined
  const cells = [number(perSecond), number(errorsPerSecond), time(p50), time(p99), count(inFlight)]
  return [
    [cut(plain(operation), name).padEnd(name), idle],
    ...cells.map((cell, index): Part => [
      cell.padStart(widths[index] ?? 0),
      index === 1 && errorsPerSecond > 0 ? colours["fail"] : idle
    ])
  ]
}

const checksOf = ({ health }: Frame): ReadonlyArray<Line> => {
  const checks = Object.entries(health?.checks ?? {}).flatMap(([name, reports]) =>
    reports.map(({ output = "", status = "unknown" }) => ({ name, output, status }))
  ).sort((a, b) => rank(b.status) - rank(a.status))
  return checks.length === 0 ? [] : [
    [],
    [["checks", bold]],
    ...checks.map(({ name, output, status }): Line => [
      [status.padEnd(5), colours[status]],
      [`${name}${output === "" ? "" : `: ${output}`}`]
    ])
  ]
}

const rank = (status: string): number => status === "fail" ? 2 : status === "pass" ? 0 : 1

const accountsOf = ({ accounts }: Frame): ReadonlyArray<Line> =>
  accounts.length === 0 ? [] : [
    [],
    [["delivery", bold]],
    ...accounts.map(({ buffered, delivered, failure, inFlight, name, offered }): Line => [
      [
        `${name}: ${count(offered)} offered, ${count(delivered)} delivered, ${count(buffered)} buffered, ${
          count(inFlight)
        } in flight`
      ],
      [failure === undefined ? "" : `  ${failure}`, colours["fail"]]
    ])
  ]

const paint = (line: Line, { colours, columns }: Size): string => {
  let left = columns
  let text = ""
  for (const [raw, colour] of line) {
    const part = cut(plain(raw), left)
    left -= part.length
    if (part === "") continue
    text += colour === undefined || !colours ? part : `\u001b[${colour}m${part}\u001b[0m`
  }
  return colours ? text : text.trimEnd()
}

const cut = (text: string, length: number): string =>
  text.length <= length ? text : length <= 1 ? text.slice(0, length) : `${text.slice(0, length - 1)}~`

// Only ASCII: everything else may take two cells, or none, or turn the direction of the text.
const plain = (text: string): string => text.replace(/[^\x20-\x7e]/gu, "?")

const missing = "-"

const number = (value: number | undefined): string =>
  value === undefined || !Number.isFinite(value)
    ? missing
    : value === 0
    ? "0"
    : value < 0.05
    ? "<0.1"
    : value < 100
    ? value.toFixed(1)
    : count(value)

const count = (value: number | undefined): string =>
  value === undefined || !Number.isFinite(value)
    ? missing
    : value < 1e4
    ? String(Math.round(value))
    : value < 1e6
    ? `${(value / 1e3).toFixed(1)}k`
    : value < 1e9
    ? `${(value / 1e6).toFixed(1)}M`
    : `${(value / 1e9).toFixed(1)}G`

const percent = (ratio: number | undefined): string =>
  ratio === undefined || !Number.isFinite(ratio) ? missing : `${(ratio * 100).toFixed(ratio < 0.1 ? 1 : 0)}%`

const time = (seconds: number | undefined): string =>
  seconds === undefined || !Number.isFinite(seconds)
    ? missing
    : seconds < 1
    ? `${(seconds * 1e3).toFixed(seconds < 0.1 ? 1 : 0)}ms`
    : `${seconds.toFixed(seconds < 10 ? 2 : 0)}s`

const bytes = (value: number | undefined): string => {
  if (value === undefined || !Number.isFinite(value)) return missing
  const units = ["B", "KiB", "MiB", "GiB", "TiB"]
  const power = Math.min(units.length - 1, value < 1 ? 0 : Math.floor(Math.log2(value) / 10))
  return `${(value / 2 ** (power * 10)).toFixed(power === 0 ? 0 : 1)} ${units[power]}`
}

const age = (seconds: number): string =>
  seconds < 60
    ? `${Math.round(seconds)}s`
    : seconds < 3600
    ? `${Math.floor(seconds / 60)}m ${Math.round(seconds % 60)}s`
    : seconds < 86_400
    ? `${Math.floor(seconds / 3600)}h ${Math.floor(seconds % 3600 / 60)}m`
    : `${Math.floor(seconds / 86_400)}d ${Math.floor(seconds % 86_400 / 3600)}h`
