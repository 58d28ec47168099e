import * as Cause from "effect/Cause"
import type * as LogLevel from "effect/LogLevel"
import * as Redactable from "effect/Redactable"
import * as LogCause from "./LogCause.ts"
import { areApart, encodeBound, encodeFields, type Fields, isFields, merge, none } from "./LogFields.ts"
import type { LogEvent } from "./LogSink.ts"
import { emptyRecord, encodeString, encodeValue, flat, formatValue, isPlain, seen } from "./LogValue.ts"
import * as Thousandths from "./Thousandths.ts"

export { encodeString } from "./LogValue.ts"

/**
 * What is known of one log call.
 *
 * `timestamp` is milliseconds since the epoch; `message` is one value or the array of the call's arguments; `spans` are
 * log spans, innermost first, with the time each began.
 *
 * @category models
 * @since 1.1.0
 */
export interface LogEntry {
  readonly timestamp: number
  readonly level: LogLevel.Severity
  readonly message: unknown
  readonly traceId?: string | undefined
  readonly spanId?: string | undefined
  readonly annotations?: Fields | undefined
  readonly spans?: Spans | undefined
  readonly cause?: Cause.Cause<unknown> | undefined
}

type Spans = ReadonlyArray<readonly [label: string, startedAt: number]>

/**
 * Encodes an entry as one JSON object on one line of well-formed Unicode. Never throws, whatever the entry holds.
 *
 * **Details**
 *
 * Keys, in this order: `timestamp` (ISO 8601, UTC), `level`, `message`, `trace_id` and `span_id` when known, the
 * annotations, `spans` (name → milliseconds), `cause` (with stacks) and `error` (the tag or name of what failed). An
 * annotation named like one of these, or `boot`, `seq` or `buffered`, gets a trailing `_`. For the values see `LogValue.encodeValue`.
 *
 * Among several arguments, plain objects are merged over the annotations, errors join the cause, and everything else
 * makes the message, separated by spaces. A message left empty is the first line of the cause.
 *
 * @category encoding
 * @since 1.1.0
 */
export const encode = (entry: LogEntry): string => {
  const head = encodeHead(entry.timestamp, entry.level)
  try {
    return head + encodeRest(entry)
  } catch {
    return `${head}"[unreadable]"}`
  }
}

/**
 * Encodes an entry as {@link encode} does, as the event that sinks take.
 *
 * @category encoding
 * @since 1.1.0
 */
export const encodeEvent = (entry: LogEntry): LogEvent => {
  // a value may log as it is read
  const { notPlain } = seen
  seen.notPlain = false
  const line = encode(entry)
  const bytes = seen.notPlain ? undefined : line.length
  seen.notPlain = notPlain
  return { timestamp: entry.timestamp, level: entry.level, line, bytes }
}

/**
 * Writes milliseconds since the epoch as ISO 8601 in UTC, without quotes. What is no date is the epoch.
 *
 * @category encoding
 * @since 1.1.0
 * @example
 * ```ts
 * encodeTimestamp(0) // 1970-01-01T00:00:00.000Z
 * ```
 */
export const encodeTimestamp = (milliseconds: number): string => {
  const time = Math.abs(milliseconds) <= 8.64e15 ? Math.floor(milliseconds) : 0
  const second = Math.floor(time / 1000)
  if (second !== cachedSecond) {
    cachedPrefix = new Date(second * 1000).toISOString().slice(0, -4)
    cachedSecond = second
  }
  return cachedPrefix + fraction(time - second * 1000)
}

/**
 * How the line of an entry begins: up to the message, which is to follow.
 *
 * @category encoding
 * @since 1.1.0
 */
export const encodeHead = (timestamp: number, level: LogLevel.Severity): string => {
  if (timestamp !== headTimestamp || level !== headLevel) {
    head = flat(`{"timestamp":"${encodeTimestamp(timestamp)}","level":"${labels[level]}","message":`)
    headTimestamp = timestamp
    headLevel = level
  }
  return head
}

// The events of a millisecond begin with the same text.
let head = ""
let headTimestamp = Number.NaN
let headLevel: LogLevel.Severity | undefined

const fraction = Thousandths.make((digits) => `${digits}Z`)
let cachedSecond = Number.NaN
let cachedPrefix = ""

const labels: Readonly<Record<LogLevel.Severity, string>> = {
  Trace: "TRACE",
  Debug: "DEBUG",
  Info: "INFO",
  Warn: "WARN",
  Error: "ERROR",
  Fatal: "FATAL"
}

const encodeRest = (entry: LogEntry): string => {
  const { message, spanId, spans, timestamp, traceId } = entry
  const only: unknown = Array.isArray(message) && message.length === 1 ? message[0] : message
  const { annotations = none, cause = Cause.empty, fields, over, text } = typeof only === "string"
    ? { text: only, annotations: entry.annotations, over: none, fields: "", cause: entry.cause }
    : readArguments(Array.isArray(message) ? message : [message], entry)
  const pretty = cause.reasons.length === 0 ? "" : LogCause.pretty(cause)
  let line = encodeMessage(text === "" ? firstLine(pretty) : text)
  if (traceId !== undefined) line += `,"trace_id":${encodeString(traceId)}`
  if (spanId !== undefined) line += `,"span_id":${encodeString(spanId)}`
  line += encodeBound(annotations, over)
  if (over !== none) line += fields
  if (spans !== undefined && spans.length > 0) line += `,"spans":${encodeSpans(spans, timestamp)}`
  return pretty === ""
    ? `${line}}`
    : `${line},"cause":${encodeString(pretty)},"error":${encodeString(LogCause.tag(cause))}}`
}

const encodeMessage = (text: string): string => {
  if (text !== lastMessage) {
    if (!isPlain(text)) return encodeString(text)
    lastMessage = text
    encodedMessage = flat(`"${text}"`)
  }
  return encodedMessage
}

let lastMessage: string | undefined
let encodedMessage = ""

const readArguments = (args: ReadonlyArray<unknown>, entry: LogEntry) => {
  let text: string | undefined
  let { annotations = none, cause = Cause.empty } = entry
  let over = none
  let fields = ""
  for (const arg of args) {
    try {
      if (isFields(arg)) {
        if (over === none && areApart(annotations, arg)) {
          fields = encodeFields(arg, annotations)
          over = arg
        } else {
          annotations = merge(over === none ? annotations : merge(annotations, over), arg)
          over = none
          fields = ""
        }
      } else if (arg instanceof Error && !Redactable.isRedactable(arg)) {
        // not Cause.combine: it hashes, and so reads, what failed
        cause = Cause.fromReasons([...cause.reasons, Cause.makeFailReason(arg)])
      } else {
        text = join(text, formatValue(arg))
      }
    } catch {
      text = join(text, "[unreadable]")
    }
  }
  return { text: text ?? "", annotations, over, fields, cause }
}

const join = (text: string | undefined, more: string) => text === undefined ? more : `${text} ${more}`

const encodeSpans = (spans: Spans, now: number): string => {
  const record = emptyRecord()
  for (const [label, startedAt] of spans) record[label] ??= now - startedAt
  return encodeValue(record)
}

const firstLine = (text: string) => text.slice(0, `${text}\n`.indexOf("\n")).replace(/: $/, "")
