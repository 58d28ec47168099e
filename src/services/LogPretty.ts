import type * as LogLevel from "effect/LogLevel"
import type { LogEvent } from "./LogSink.ts"

/**
 * Renders a log event for a terminal: time (UTC), level, message, fields, and the cause below.
 *
 * Control and bidirectional formatting characters of logged text are escaped, so that no log line can steer the
 * terminal or pass for another line. Never throws; a line that is no JSON object is shown as it is, escaped.
 *
 * @category rendering
 * @since 1.1.0
 */
export const render = ({ level, line }: LogEvent, options: { readonly colours: boolean }): string => {
  const paint = (code: number, text: string) => options.colours ? `\u001b[${code}m${text}\u001b[0m` : text
  const label = paint(colours[level], level.toUpperCase().padEnd(5))
  const fields = parse(line)
  if (fields === undefined) return `${label} ${plain(line)}`
  const { cause, level: _level, message, span_id: _span, timestamp, trace_id: trace, ...rest } = fields
  const pairs = Object.entries(rest).map(([name, value]) => ` ${paint(90, `${plain(name)}=`)}${plain(text(value))}`)
  if (trace !== undefined) pairs.push(` ${paint(90, `trace=${plain(text(trace)).slice(0, 8)}`)}`)
  const below = cause === undefined ? "" : text(cause).split("\n").map((line) => `\n  ${plain(line)}`).join("")
  return `${paint(90, plain(text(timestamp).slice(11, 23)))} ${label} ${paint(1, plain(text(message)))}${
    pairs.join("")
  }${below}`
}

const colours: Readonly<Record<LogLevel.Severity, number>> = {
  Trace: 90,
  Debug: 34,
  Info: 32,
  Warn: 33,
  Error: 31,
  Fatal: 35
}

const parse = (line: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === "object" && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

const text = (value: unknown): string => typeof value === "string" ? value : JSON.stringify(value) ?? ""

// C0, DEL, C1, line and paragraph separators, marks, embeddings, overrides and isolates of bidirectional text
// oxlint-disable-next-line no-control-regex -- they are what must not reach the terminal
const unsafe = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

const plain = (text: string): string =>
  text.replace(unsafe, (character) =>
    character === "\n"
      ? "\\n"
      : character === "\t"
      ? "\\t"
      : character < "\u0100"
      ? `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`
      : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`)
