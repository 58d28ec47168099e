import type * as LogLevel from "effect/LogLevel"
import type { Rejection } from "./Ledger.ts"
import { encodeString, encodeTimestamp } from "./LogEncoder.ts"
import type { LogEvent } from "./LogSink.ts"

/**
 * One event on its way to PutLogEvents. `timestamp` is milliseconds since the epoch; `bytes` what it counts towards a
 * batch; a higher `priority` is dropped later; `order` is the `Shipper`'s own.
 *
 * `message` is what is sent where `seq` is 0, and else a line that gets its end, with `seq`, when it is sent.
 *
 * @category models
 * @since 1.1.0
 */
export interface Entry {
  readonly timestamp: number
  readonly message: string
  readonly seq: number
  readonly bytes: number
  readonly priority: number
  order: number
}

/**
 * The limits of PutLogEvents
 * (https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html).
 *
 * @category constants
 * @since 1.1.0
 */
export const limits = {
  /** UTF-8 bytes of all messages, plus `overhead` for each. */
  batchBytes: 1_048_576,
  batchEvents: 10_000,
  overhead: 26,
  /** UTF-8 bytes of one message. */
  eventBytes: 1_048_550,
  /** Milliseconds between the first and the last event of a batch. */
  span: 86_400_000,
  /** Milliseconds into the past. */
  past: 14 * 86_400_000,
  /** Milliseconds into the future. */
  future: 2 * 3_600_000
} as const

/**
 * The bytes `message` counts towards a batch. A lone surrogate is three bytes, as it is sent as U+FFFD.
 *
 * @category getters
 * @since 1.1.0
 */
export const sizeOf = (message: string): number => Buffer.byteLength(message) + limits.overhead

const priorities: Record<LogLevel.Severity, number> = { Trace: 0, Debug: 0, Info: 1, Warn: 2, Error: 3, Fatal: 3 }

/**
 * How many priorities there are.
 *
 * @category constants
 * @since 1.1.0
 */
export const priorityCount = 4

/**
 * What a process run makes of its log events.
 *
 * **Details**
 *
 * `each` hands the entries of an event over; `whole` makes the one of an event that need not be split. `finish` makes what
 * is sent of an entry: later than the log call, which does not wait for it.
 *
 * @category models
 * @since 1.1.0
 */
export interface Run {
  readonly whole: (event: LogEvent, seq: number) => Entry
  readonly each: (event: LogEvent, seq: number, take: (entry: Entry) => void) => void
  readonly finish: (entry: Entry) => { readonly timestamp: number; readonly message: string }
}

/**
 * Makes a {@link Run}: what is sent of a log event is its line with `boot` and `seq` at the end. Both together are
 * unique, and `seq` has no gaps, so that a query can remove duplicates and prove that nothing is missing.
 *
 * **Details**
 *
 * A line of more than `maxBytes` (at least 256) becomes several entries, split between code points. Each is an object with the part's
 * number, from 1, as `part`, their number as `parts`, and a piece of the line as `text`; the pieces of one `seq` joined
 * are the line.
 *
 * @category constructors
 * @since 1.1.0
 */
export const makeRun = (
  { boot, maxBytes = limits.eventBytes, now }: {
    readonly boot: string
    readonly now: () => number
    readonly maxBytes?: number | undefined
  }
): Run => {
  const ending = `"boot":"${boot}","seq":`
  const timeOf = ({ timestamp }: LogEvent) => Number.isFinite(timestamp) ? Math.max(0, Math.floor(timestamp)) : now()
  const endBytes = Buffer.byteLength(`,${ending}`)
  const mostBytes = maxBytes + limits.overhead

  const whole = (event: LogEvent, seq: number): Entry => {
    const { bytes, level, line } = event
    return {
      timestamp: timeOf(event),
      message: line,
      seq,
      bytes: (bytes ?? Buffer.byteLength(line)) + limits.overhead + endBytes + digits(seq) - (line === "{}" ? 1 : 0),
      priority: priorities[level],
      order: 0
    }
  }

  const parts = (event: LogEvent, seq: number): ReadonlyArray<Entry> => {
    const { level, line } = event
    const timestamp = timeOf(event)
    const head = `{"timestamp":"${encodeTimestamp(timestamp)}","level":"${level.toUpperCase()}",${ending}${seq}`
    const pieces = split(line, maxBytes - head.length - partBytes)
    return pieces.map((text, index) => {
      const message = `${head},"part":${index + 1},"parts":${pieces.length},"text":${encodeString(text)}}`
      return { timestamp, message, seq: 0, bytes: sizeOf(message), priority: priorities[level], order: 0 }
    })
  }

  return {
    whole,
    each: (event, seq, take) => {
      const entry = whole(event, seq)
      if (entry.bytes <= mostBytes) take(entry)
      else for (const part of parts(event, seq)) take(part)
    },
    finish: ({ message, seq, timestamp }) => ({
      timestamp,
      message: seq === 0 ? message : `${message.slice(0, -1)}${message === "{}" ? "" : ","}${ending}${seq}}`
    })
  }
}

const digits = (count: number): number => {
  let digits = 1
  for (let least = 10; count >= least; least *= 10) digits++
  return digits
}

const partBytes = `,"part":1000000000,"parts":1000000000,"text":""}`.length

/**
 * Cuts `text` between code points into pieces whose JSON string has at most `maxBytes` bytes without its quotes.
 *
 * @category combinators
 * @since 1.1.0
 */
export const split = (text: string, maxBytes: number): ReadonlyArray<string> => {
  const pieces: Array<string> = []
  let start = 0
  let bytes = 0
  for (let index = 0; index < text.length;) {
    const code = text.codePointAt(index) ?? 0
    const next = index + (code > 0xffff ? 2 : 1)
    const size = jsonBytes(code)
    if (bytes + size > maxBytes && index > start) {
      pieces.push(text.slice(start, index))
      start = index
      bytes = 0
    }
    bytes += size
    index = next
  }
  pieces.push(text.slice(start))
  return pieces
}

const jsonBytes = (code: number): number => {
  if (code === 0x22 || code === 0x5c) return 2
  if (code < 0x20 || (code >= 0xd800 && code <= 0xdfff)) return 6
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
}

/**
 * Puts a batch into the order that CloudWatch asks for and leaves out what it would refuse: events more than 14 days
 * old or 2 hours ahead at `now`, counted by reason. `skew` is added to every timestamp: what the service's clock is
 * ahead of this one, in milliseconds.
 *
 * @category combinators
 * @since 1.1.0
 */
export const prepare = (
  batch: ReadonlyArray<Entry>,
  { now, skew = 0 }: { readonly now: number; readonly skew?: number | undefined }
): { readonly events: ReadonlyArray<Entry>; readonly rejected: Partial<Record<Rejection, number>> } => {
  const ordered = isOrdered(batch) ? batch : [...batch].sort((a, b) => a.timestamp - b.timestamp)
  const first = ordered.findIndex(({ timestamp }) => timestamp >= now - limits.past)
  const after = ordered.findLastIndex(({ timestamp }) => timestamp <= now + limits.future) + 1
  const tooOld = first === -1 ? ordered.length : first
  const tooNew = ordered.length - after
  const kept = tooOld === 0 && tooNew === 0 ? ordered : ordered.slice(tooOld, ordered.length - tooNew)
  return {
    events: skew === 0 ? kept : kept.map((entry) => ({ ...entry, timestamp: Math.max(0, entry.timestamp + skew) })),
    rejected: { ...(tooOld === 0 ? {} : { tooOld }), ...(tooNew === 0 ? {} : { tooNew }) }
  }
}

const isOrdered = (batch: ReadonlyArray<Entry>): boolean => {
  let last = Number.NEGATIVE_INFINITY
  for (const { timestamp } of batch) {
    if (timestamp < last) return false
    last = timestamp
  }
  return true
}

/**
 * Counts what PutLogEvents did not take of `count` events: it says so by index in an answer that is otherwise a
 * success.
 *
 * **Details**
 *
 * The first index of those too new is inclusive, the last of those too old or expired exclusive. An event counts once.
 *
 * @category conversions
 * @since 1.1.0
 */
export const rejections = (
  count: number,
  info: {
    readonly tooNewLogEventStartIndex?: number | undefined
    readonly tooOldLogEventEndIndex?: number | undefined
    readonly expiredLogEventEndIndex?: number | undefined
  } | undefined
): Partial<Record<Rejection, number>> => {
  const within = (index: number | undefined, fallback: number) =>
    index === undefined ? fallback : Math.min(count, Math.max(0, index))
  const tooOld = within(info?.tooOldLogEventEndIndex, 0)
  const old = Math.max(tooOld, within(info?.expiredLogEventEndIndex, 0))
  const tooNew = count - Math.max(old, within(info?.tooNewLogEventStartIndex, count))
  return {
    ...(tooOld === 0 ? {} : { tooOld }),
    ...(old === tooOld ? {} : { expired: old - tooOld }),
    ...(tooNew === 0 ? {} : { tooNew })
  }
}

/**
 * Adds two counts of rejected events up.
 *
 * @category combinators
 * @since 1.1.0
 */
export const addUp = (
  a: Partial<Record<Rejection, number>>,
  b: Partial<Record<Rejection, number>>
): Partial<Record<Rejection, number>> => {
  const sum = { ...a }
  for (const reason of Object.keys(b) as Array<Rejection>) sum[reason] = (sum[reason] ?? 0) + (b[reason] ?? 0)
  return sum
}

/**
 * A name of a log stream from `parts`: joined by `/`, without the `:` and `*` that a name cannot have, at most 512
 * characters.
 *
 * @category constructors
 * @since 1.1.0
 * @example
 * ```ts
 * streamName(["orders", "i-0123", "2026-11-23T10:00:00Z-1a2b"]) // "orders/i-0123/2026-11-23T10.00.00Z-1a2b"
 * ```
 */
export const streamName = (parts: ReadonlyArray<string>): string => {
  // The end, which makes the name unique, is kept.
  const name = parts.join("/").replace(/:/g, ".").replace(/\*/g, "_").replace(/[^\x20-\x7e]/g, "_")
  return name.length > 512 ? name.slice(name.length - 512) : name
}
