import * as Redactable from "effect/Redactable"
import { copy, emptyRecord, encodeString, encodeValue, flat, isPlain, read, seen } from "./LogValue.ts"

/**
 * The fields of a log entry besides its own keys.
 *
 * @category models
 * @since 1.1.0
 */
export type Fields = Readonly<Record<string, unknown>>

/**
 * No fields.
 *
 * @category constants
 * @since 1.1.0
 */
export const none: Fields = {}

/**
 * Whether `value` is an object that just has fields: of no class, not redacted, without a `toJSON`.
 *
 * @category guards
 * @since 1.1.0
 */
export const isFields = (value: unknown): value is Fields => {
  if (typeof value !== "object" || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return (prototype === Object.prototype || prototype === null) && !Redactable.isRedactable(value) &&
    typeof read(value, "toJSON") !== "function"
}

/**
 * The fields of both, those of `over` in place of those of `fields`.
 *
 * @category combinators
 * @since 1.1.0
 */
export const merge = (fields: Fields, over: Fields): Fields => copy(copy(emptyRecord(), fields), over)

/**
 * Whether the fields of `over` can be written after those of `fields` without a name twice.
 *
 * @category guards
 * @since 1.1.0
 */
export const areApart = (fields: Fields, over: Fields): boolean => {
  for (const key in fields) if (key in over) return false
  return true
}

/**
 * Encodes fields as members of a JSON object, each after a comma. What is named like a key of the entry itself gets a
 * trailing `_`, as often as neither it nor `others` has such a field.
 *
 * **Details**
 *
 * The text of a name's last value is used again while that is the same text, number or boolean. Objects are always read:
 * they may have changed.
 *
 * @category encoding
 * @since 1.1.0
 * @example
 * ```ts
 * encodeFields({ user: "ann", level: 3 }) // `,"user":"ann","level_":3`
 * ```
 */
export const encodeFields = (fields: Fields, others: Fields = none): string => {
  let text = ""
  for (const key in fields) {
    if (!hasOwnProperty.call(fields, key)) continue
    const value = read(fields, key)
    if (value !== undefined) text += encodeField(key, value, fields, others)
  }
  return text
}

/**
 * {@link encodeFields}, for fields that several entries in a row have: their text is used again while they are the same
 * object with the same names and values.
 *
 * @category encoding
 * @since 1.1.0
 */
export const encodeBound = (fields: Fields, others: Fields): string => {
  if (fields !== last) {
    last = fields
    bound = undefined
  } else {
    if (bound === undefined || !isUnchanged(fields, bound)) bound = bind(fields)
    if (bound.text !== undefined) return bound.text
  }
  return encodeFields(fields, others)
}

/** What fields were, and their text unless they hold an object, a reserved name or what is not plain. */
interface Bound {
  readonly keys: ReadonlyArray<string>
  readonly values: ReadonlyArray<unknown>
  readonly text: string | undefined
}

const bind = (fields: Fields): Bound => {
  const keys = Object.keys(fields)
  const values = keys.map((key) => read(fields, key))
  const { notPlain } = seen
  seen.notPlain = false
  const text = encodeFields(fields)
  const isFixed = !seen.notPlain && values.every(lasts) && !keys.some((key) => reserved.has(key))
  seen.notPlain ||= notPlain
  return isFixed ? { keys, values, text: flat(text) } : unfixed
}

const unfixed: Bound = { keys: [], values: [], text: undefined }

const isUnchanged = (fields: Fields, { keys, text, values }: Bound): boolean => {
  if (text === undefined) return true
  let index = 0
  for (const key in fields) {
    if (key !== keys[index] || read(fields, key) !== values[index]) return false
    index++
  }
  return index === keys.length
}

// Unlike Object.hasOwn, V8 knows that it is true of the keys that for-in gives.
const { hasOwnProperty } = Object.prototype

// The fields of the entry before, and what they were when they were seen twice.
let last = none
let bound: Bound | undefined

const reserved: ReadonlySet<string> = new Set([
  "timestamp",
  "level",
  "message",
  "trace_id",
  "span_id",
  "spans",
  "cause",
  "error",
  // LogBatch adds these
  "boot",
  "seq",
  // DebugLines adds this
  "buffered"
])

/** What is known of a name: how it is written, and how its last value was. */
interface Known {
  readonly key: string
  value: unknown
  text: string
}

const known = new Map<string, Known>()
// names made of data must not fill the memory, nor must long values
const mostKnown = 1000
const longestKept = 200

const encodeField = (key: string, value: unknown, fields: Fields, others: Fields): string => {
  const found = known.get(key)
  if (found === undefined) return encodeUnknown(key, value, fields, others)
  if (found.value === value) return flat(found.text)
  const { notPlain } = seen
  seen.notPlain = false
  const text = found.key + encodeValue(value)
  if (!seen.notPlain && text.length <= longestKept && lasts(value)) {
    found.value = value
    found.text = text
  }
  seen.notPlain ||= notPlain
  return text
}

const lasts = (value: unknown) => typeof value === "string" || typeof value === "number" || typeof value === "boolean"

const encodeUnknown = (key: string, value: unknown, fields: Fields, others: Fields): string => {
  if (reserved.has(key)) {
    let name = `${key}_`
    while (has(fields, name) || has(others, name)) name += "_"
    return `,"${name}":${encodeValue(value)}`
  }
  const encoded = flat(`,${encodeString(key)}:`)
  if (known.size < mostKnown && isPlain(key)) known.set(key, { key: encoded, value: undefined, text: "" })
  return encoded + encodeValue(value)
}

const has = (fields: Fields, name: string) => Object.hasOwn(fields, name) && read(fields, name) !== undefined
