import * as Result from "effect/Result"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import { usageError } from "./ExitCode.ts"
import type { FieldKind } from "./OperationField.ts"
import { fillPath, type Operation } from "./Operations.ts"

/**
 * Flags that make no request, all problems at once.
 *
 * @category errors
 * @since 1.1.0
 */
export class OperationInputError extends Schema.TaggedError<OperationInputError>()("OperationInputError", {
  problems: Schema.Array(Schema.String)
}) {
  override readonly [Runtime.errorExitCode]: number = usageError
  override get message(): string {
    return this.problems.join("; ")
  }
}

/**
 * A request as it goes over the wire; `body` is absent when `--input` gives it.
 *
 * @category models
 * @since 1.1.0
 */
export interface OperationRequest {
  readonly method: string
  readonly target: string
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>
  readonly body: string | undefined
}

/**
 * The texts given for an operation's flags.
 *
 * @category models
 * @since 1.1.0
 */
export type FlagTexts = Readonly<Record<string, ReadonlyArray<string>>>

/**
 * Encodes the flags of one call. With `input` the body comes from elsewhere, and flags of the body are refused.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = (
  operation: Operation,
  texts: FlagTexts,
  options: { readonly input: boolean }
): Result.Result<OperationRequest, OperationInputError> => {
  const problems: Array<string> = []
  const query = new URLSearchParams()
  const headers: Array<readonly [string, string]> = []
  const segments = new Map<string, string | null>()
  let body: unknown
  let given = false

  for (const field of operation.fields) {
    const values: Array<unknown> = []
    const said = Object.hasOwn(texts, field.flag) ? texts[field.flag] ?? [] : []
    for (const text of said) {
      const value = valueOf(field.kind, text)
      if (Result.isFailure(value)) {
        // What has a form may be a secret, and who gives it knows it.
        const what = field.kind._tag === "Text" ? "the text" : JSON.stringify(text)
        problems.push(`--${field.flag}: ${what} is not ${value.failure}`)
      } else values.push(value.success)
    }
    const name = field.path.at(-1) ?? field.flag
    if (field.slot === "body") {
      if (values.length > 0) given = true
      if (options.input) continue
    }
    if (values.length === 0 && !(field.slot === "body" && field.repeated)) {
      if (field.required && said.length === 0) problems.push(`--${field.flag} is missing`)
      if (field.slot === "path" && !field.required) segments.set(name, null)
      continue
    }
    switch (field.slot) {
      case "path": {
        const text = String(values[0])
        if (text === "" || text === "." || text === "..") {
          problems.push(`--${field.flag}: ${JSON.stringify(text)} cannot be part of a path`)
        }
        segments.set(name, encodeURIComponent(text))
        break
      }
      case "query":
        for (const value of values) query.append(name, String(value))
        break
      case "header":
        if (!isHeader(name, String(values[0]))) {
          problems.push(`--${field.flag}: ${JSON.stringify(values[0])} cannot be the value of a header`)
        }
        headers.push([name, String(values[0])])
        break
      case "body":
        if (values.length > 0 || field.required) {
          body = assign(body, field.path, field.repeated ? values : values[0])
        }
    }
  }
  if (operation.body?.kind === "bytes" && operation.body.required && !options.input) problems.push("--input is missing")
  if (options.input && given) problems.push("--input is the whole body; leave out the flags of the body")
  if (problems.length > 0) return Result.fail(new OperationInputError({ problems }))
  if (body !== undefined || operation.body?.required) {
    for (const path of operation.objects) body = filled(body, path)
  }

  const target = fillPath(operation.path, (name) => segments.get(name)).replaceAll("::", ":")
  const search = query.toString()
  const encoded = options.input ? undefined : encodeBody(operation, body)
  if (operation.body !== undefined && (options.input || encoded !== undefined)) {
    headers.push(["content-type", operation.body.contentType])
  }
  return Result.succeed({
    method: operation.method,
    target: search === "" ? target : `${target}?${search}`,
    headers,
    body: encoded
  })
}

// How Effect writes the form of a number.
const numeric = /^\^\[\+-\]\?.*\[Ee\].*\$$/

const number = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/

const valueOf = (kind: FieldKind, text: string): Result.Result<unknown, string> => {
  switch (kind._tag) {
    case "Text":
      return kind.pattern === undefined || kind.pattern.test(text)
        ? Result.succeed(text)
        : Result.fail(numeric.test(kind.pattern.source) ? "a finite number" : `of the form ${kind.pattern.source}`)
    case "Choice": {
      const choice = kind.choices.find((choice) => String(choice) === text)
      return choice === undefined ? Result.fail(`one of ${kind.choices.join(", ")}`) : Result.succeed(choice)
    }
    case "Number": {
      const value = Number(text)
      return number.test(text) && Number.isFinite(value) && (!kind.integer || Number.isSafeInteger(value))
        ? Result.succeed(value)
        : Result.fail(kind.integer ? "an integer" : "a finite number")
    }
    case "Boolean":
      return text === "true" || text === "false" ? Result.succeed(text === "true") : Result.fail("true or false")
    case "Json": {
      const parsed = Result.try(() => JSON.parse(text) as unknown)
      if (Result.isSuccess(parsed) && (!kind.text || isOneOf(kind.types, typeOf(parsed.success)))) {
        return Result.succeed(parsed.success)
      }
      return kind.text ? Result.succeed(text) : Result.fail("valid JSON")
    }
  }
}

const isOneOf = (types: ReadonlyArray<string>, type: string): boolean =>
  types.length === 0 || types.includes(type) || (type === "integer" && types.includes("number"))

const typeOf = (value: unknown): string =>
  value === null
    ? "null"
    : Array.isArray(value)
    ? "array"
    : Number.isInteger(value)
    ? "integer"
    : typeof value

const assign = (body: unknown, [name, ...rest]: ReadonlyArray<string>, value: unknown): unknown => {
  if (name === undefined) return value
  const record = (body ?? {}) as Readonly<Record<string, unknown>>
  return { ...record, [name]: rest.length === 0 ? value : assign(record[name], rest, value) }
}

const filled = (body: unknown, [name, ...rest]: ReadonlyArray<string>): unknown => {
  const record = (body ?? {}) as Readonly<Record<string, unknown>>
  return name === undefined ? record : { ...record, [name]: filled(record[name], rest) }
}

/**
 * Whether a request can have this header.
 *
 * @category predicates
 * @since 1.1.0
 */
export const isHeader = (name: string, value: string): boolean => {
  try {
    return new Headers([[name, value]]).has(name)
  } catch {
    return false
  }
}

const encodeBody = ({ body, fields }: Operation, value: unknown): string | undefined => {
  switch (body?.kind) {
    case undefined:
    case "bytes":
      return undefined
    case "text":
      return String(value)
    case "value":
      return JSON.stringify(value)
    case "json":
      return value === undefined && !body.required && !fields.some(({ required, slot }) => required && slot === "body")
        ? undefined
        : JSON.stringify(value ?? {})
    case "form": {
      const form = new URLSearchParams()
      for (const [name, given] of Object.entries((value ?? {}) as Record<string, unknown>)) {
        for (const item of Array.isArray(given) ? given : [given]) form.append(name, String(item))
      }
      return form.toString()
    }
  }
}
