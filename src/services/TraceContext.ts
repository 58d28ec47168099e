import * as Context from "effect/Context"

/**
 * The trace a request belongs to, as W3C Trace Context carries it.
 *
 * @category models
 * @since 1.1.0
 */
export interface TraceContext {
  readonly traceId: string
  readonly spanId: string
  readonly sampled: boolean
}

/**
 * The operation that a request asks for, among the annotations of its span.
 *
 * @category references
 * @since 1.1.0
 */
export const Operation = Context.Reference<string | undefined>("keelson/services/TraceContext/Operation", {
  defaultValue: () => undefined
})

const pattern = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const noTrace = "0".repeat(32)
const noSpan = "0".repeat(16)

/**
 * Reads a `traceparent` header (https://www.w3.org/TR/trace-context/). `undefined` when it is not valid; a version
 * above 00 may carry more fields.
 *
 * @category parsing
 * @since 1.1.0
 * @example
 * ```ts
 * parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")?.sampled // true
 * ```
 */
export const parse = (header: string): TraceContext | undefined => {
  const match = pattern.exec(header)
  if (match === null) return undefined
  const [, version, traceId = noTrace, spanId = noSpan, flags = "00", rest] = match
  const invalid = version === "ff" || (version === "00" && rest !== undefined) || traceId === noTrace ||
    spanId === noSpan
  return invalid ? undefined : { traceId, spanId, sampled: (parseInt(flags, 16) & 1) === 1 }
}

/**
 * Writes a `traceparent` header.
 *
 * @category formatting
 * @since 1.1.0
 */
export const format = ({ sampled, spanId, traceId }: TraceContext): string =>
  `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`

const digitsPerByte = 2
const numbers = new Uint32Array(256)
let pool = ""
let used = 0

// Slices of one long text: an id costs a tenth of what its digits would, one by one. An id is no secret, and Node's
// generator for those takes 8 ms to load.
const random = (digits: number): string => {
  if (used + digits > pool.length) {
    for (let index = 0; index < numbers.length; index++) numbers[index] = Math.random() * 2 ** 32
    pool = Buffer.from(numbers.buffer).toString("hex")
    used = 0
  }
  used += digits
  return pool.slice(used - digits, used)
}

/**
 * A random trace id: 32 lower-case hex digits, not all zero.
 *
 * @category constructors
 * @since 1.1.0
 */
export const nextTraceId = (): string => {
  const id = random(16 * digitsPerByte)
  return id === noTrace ? nextTraceId() : id
}

/**
 * A random span id: 16 lower-case hex digits, not all zero.
 *
 * @category constructors
 * @since 1.1.0
 */
export const nextSpanId = (): string => {
  const id = random(8 * digitsPerByte)
  return id === noSpan ? nextSpanId() : id
}

/**
 * The trace that a `traceparent` header continues; a new one if it is missing or is none.
 *
 * @category constructors
 * @since 1.1.0
 */
export const continued = (traceparent: string | undefined): TraceContext => {
  const remote = traceparent === undefined ? undefined : parse(traceparent)
  return {
    traceId: remote?.traceId ?? nextTraceId(),
    spanId: nextSpanId(),
    sampled: remote?.sampled ?? true
  }
}
