import * as Option from "effect/Option"
import * as Redactable from "effect/Redactable"
import * as Result from "effect/Result"

/**
 * Encodes text as a JSON string; lone surrogates are escaped, so that the result is well-formed Unicode.
 *
 * @category encoding
 * @since 1.1.0
 */
export const encodeString = (text: string): string => {
  if (isPlain(text)) return `"${text}"`
  seen.notPlain = true
  return JSON.stringify(text)
}

/**
 * Whether `text` is ASCII and needs no escapes. Of 150 characters or more this is not found out.
 *
 * @category guards
 * @since 1.1.0
 */
export const isPlain = (text: string): boolean => {
  const { length } = text
  // the expression is faster than the loop from about 50 characters on, the native scan from 150 on
  if (length >= 50) return length < 150 && !special.test(text)
  for (let index = 0; index < length; index++) {
    const code = text.charCodeAt(index)
    if (code < 0x20 || code === 0x22 || code === 0x5c || code > 0x7e) return false
  }
  return true
}

const special = /[^ !#-[\]-~]/

/**
 * `notPlain` becomes true when text is encoded that is not plain. While it is not, what was encoded has as many bytes as
 * characters.
 *
 * @category encoding
 * @since 1.1.0
 */
export const seen = { notPlain: false }

/**
 * Puts a text together that was added up from others, for one that is used again.
 *
 * @category encoding
 * @since 1.1.0
 */
export const flat = (text: string): string => {
  // V8 does so when it is asked for a character, and leaves out to ask what nobody uses
  last.code = text.charCodeAt(0)
  return text
}

const last = { code: 0 }

/**
 * Encodes any value as JSON on one line. Never throws: what cannot be read is said in brackets.
 *
 * **Details**
 *
 * `undefined` is left out of objects and `null` elsewhere; `NaN`, infinities, bigints, symbols, functions and invalid
 * dates are strings; a `Map` with string keys is an object, any other an array of pairs; a `Set` is an array; an error
 * has `name`, `message`, `stack`, `cause`, the `errors` it may be made of, and its own fields; binary data is only named. `Redacted` and `Redactable`
 * values stay redacted at any depth. Nesting is cut at 10 levels, the whole at 10,000 values.
 *
 * **Gotchas**
 *
 * A value's own `toJSON` is called: what it costs is the value's affair.
 *
 * @category encoding
 * @since 1.1.0
 */
export const encodeValue = (value: unknown): string =>
  typeof value === "object" && value !== null
    ? flat(encodeObject(value, { ancestors: [], left: 10_000 }))
    : encodeScalar(value)

/**
 * Shows any value as text: strings as they are, objects as JSON.
 *
 * @category encoding
 * @since 1.1.0
 */
export const formatValue = (value: unknown): string => {
  if (typeof value === "string") return value
  if (typeof value !== "object" || value === null) return String(value)
  const json = encodeValue(value)
  return json.startsWith("\"") ? JSON.parse(json) as string : json
}

/**
 * Reads a property, whatever its getter does.
 *
 * @category reading
 * @since 1.1.0
 */
export const read = (object: object, key: string): unknown => {
  try {
    return (object as Record<string, unknown>)[key]
  } catch {
    return "[getter threw]"
  }
}

/**
 * Copies the enumerable properties of `source` that are not `undefined`.
 *
 * @category reading
 * @since 1.1.0
 */
export const copy = (target: Record<string, unknown>, source: object): Record<string, unknown> => {
  for (const key of Object.keys(source)) {
    const value = read(source, key)
    if (value !== undefined) target[key] = value
  }
  return target
}

/**
 * A record without prototype: every key is an ordinary one.
 *
 * @category constructors
 * @since 1.1.0
 */
export const emptyRecord = (): Record<string, unknown> => Object.create(null)

interface Walk {
  readonly ancestors: Array<object>
  left: number
}

const maxDepth = 10
const cut = "[…]"

const encodeScalar = (value: unknown): string => {
  switch (typeof value) {
    case "string":
      return encodeString(value)
    case "number":
      return Number.isFinite(value) ? `${value}` : `"${value}"`
    case "boolean":
      return value ? "true" : "false"
    case "bigint":
      return `"${value}"`
    case "symbol":
      return encodeString(String(value))
    case "function":
      return encodeString(`[Function ${String(read(value, "name"))}]`)
    default:
      return "null"
  }
}

const encodeAny = (value: unknown, walk: Walk): string => {
  walk.left--
  return typeof value === "object" && value !== null ? encodeObject(value, walk) : encodeScalar(value)
}

const encodeObject = (object: object, walk: Walk): string => {
  if (walk.ancestors.includes(object)) return `"[Circular]"`
  walk.ancestors.push(object)
  try {
    return walk.ancestors.length > maxDepth ? `"[${nameOf(object)}]"` : encodeMembers(object, walk)
  } catch {
    return `"[unreadable]"`
  } finally {
    walk.ancestors.pop()
  }
}

const nameOf = (object: object) => Array.isArray(object) ? "Array" : "Object"

const encodeMembers = (object: object, walk: Walk): string => {
  if (Redactable.isRedactable(object)) {
    const redacted: unknown = Redactable.getRedacted(object)
    if (redacted !== object) return encodeAny(redacted, walk)
  }
  if (object instanceof Date) return Number.isNaN(object.getTime()) ? `"Invalid Date"` : `"${object.toISOString()}"`
  if (ArrayBuffer.isView(object)) return encodeString(`[${object.constructor.name} of ${object.byteLength} bytes]`)
  // their own toJSON never comes back from lists that contain themselves
  if (Option.isOption(object)) {
    return encodeRecord({ _id: "Option", _tag: object._tag, value: Option.getOrUndefined(object) }, walk)
  }
  if (Result.isResult(object)) {
    const { _tag } = object
    return encodeRecord({ _id: "Result", _tag, [_tag.toLowerCase()]: Result.merge(object) }, walk)
  }
  const json = toJson(object)
  if (object instanceof Error) return encodeRecord(errorRecord(object, json), walk)
  if (json !== object) return encodeAny(json, walk)
  if (Array.isArray(object)) return encodeList(object, walk)
  if (object instanceof Set) return encodeList([...object], walk)
  if (object instanceof Map) {
    const entries = [...object]
    return entries.every(([key]) => typeof key === "string")
      ? encodeRecord(Object.assign(emptyRecord(), Object.fromEntries(entries)), walk)
      : encodeList(entries, walk)
  }
  return encodeRecord(object, walk)
}

const toJson = (object: object): unknown => {
  const method = read(object, "toJSON")
  if (typeof method !== "function") return object
  try {
    return Reflect.apply(method, object, [])
  } catch {
    return "[toJSON threw]"
  }
}

const errorRecord = (error: Error, json: unknown) => {
  const record = emptyRecord()
  for (const key of ["name", "message", "stack", "cause"]) record[key] = read(error, key)
  if (error instanceof AggregateError) record["errors"] = read(error, "errors")
  return typeof json === "object" && json !== null ? copy(record, json) : record
}

const encodeList = (list: ReadonlyArray<unknown>, walk: Walk): string => {
  let text = ""
  for (let index = 0; index < list.length; index++) {
    text += index === 0 ? "" : ","
    if (walk.left <= 0) return `[${text}${encodeString(cut)}]`
    text += encodeAny(list[index], walk)
  }
  return `[${text}]`
}

const encodeRecord = (record: object, walk: Walk): string => {
  let text = ""
  for (const key of Object.keys(record)) {
    const value = read(record, key)
    if (value === undefined) continue
    text += text === "" ? "" : ","
    if (walk.left <= 0) return `{${text}"…":${encodeString(cut)}}`
    text += `${encodeString(key)}:${encodeAny(value, walk)}`
  }
  return `{${text}}`
}
