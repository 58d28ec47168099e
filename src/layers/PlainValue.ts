import type * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import { encodeString } from "../services/LogValue.ts"

/**
 * Whether a value is JSON as it is, and the same decoded and encoded: its keys in the order of the schema, and no others.
 *
 * @category models
 * @since 1.1.0
 */
export type IsPlain = (value: unknown) => boolean

/**
 * Tells of most values of a schema, without interpreting it, that a codec would give them back. `undefined` for a schema
 * that transforms, or is not made of structs, arrays, literals and primitives.
 *
 * **Details**
 *
 * What it says no to may be valid all the same: only the codec knows, and why not.
 *
 * @category constructors
 * @since 1.1.0
 * @example
 * ```ts
 * const isGreeting = make(Schema.Struct({ message: Schema.String }))
 * isGreeting?.({ message: "Hello" }) // true
 * isGreeting?.({ message: "Hello", to: "world" }) // false: the codec leaves `to` out
 * ```
 */
export const make = ({ ast }: Schema.Top): IsPlain | undefined => isPlainOf(ast)

/**
 * The JSON of a plain value, `undefined` of any other: of a struct of texts without the detour of `JSON.stringify`.
 *
 * @category encoding
 * @since 1.1.0
 */
export const encoder = ({ ast }: Schema.Top): (value: unknown) => string | undefined => {
  const isPlain = isPlainOf(ast)
  if (isPlain === undefined) return () => undefined
  if (!SchemaAST.isObjects(ast) || ast.propertySignatures.some(({ type }) => !SchemaAST.isString(type))) {
    return (value) => isPlain(value) ? JSON.stringify(value) : undefined
  }
  const heads = ast.propertySignatures.map(({ name }) => [String(name), `${JSON.stringify(name)}:`] as const)
  return (value) => {
    if (!isPlain(value)) return undefined
    let json = "{"
    for (const [name, head] of heads) {
      const text = (value as Record<string, string | undefined>)[name]
      if (text !== undefined) json += (json === "{" ? head : `,${head}`) + encodeString(text)
    }
    return `${json}}`
  }
}

const isPlainOf = (ast: SchemaAST.AST): IsPlain | undefined => {
  const own = ast.encoding !== undefined || ast.annotations?.["parseOptions"] !== undefined ||
      Reflect.get(ast, "encodingChecks") !== undefined
    ? undefined
    : SchemaAST.isObjects(ast)
    ? isStruct(ast)
    : SchemaAST.isArrays(ast)
    ? isArray(ast)
    : isScalar(ast)
  const { checks } = ast
  return own === undefined || checks === undefined ? own : (value) => own(value) && passes(checks, value, ast)
}

const noOptions: SchemaAST.ParseOptions = {}

const passes = (checks: ReadonlyArray<SchemaAST.Check<never>>, value: unknown, ast: SchemaAST.AST): boolean => {
  for (const check of checks) {
    const passed = check._tag === "FilterGroup"
      ? passes(check.checks, value, ast)
      : check.run(value as never, ast, noOptions) === undefined
    if (!passed) return false
  }
  return true
}

const isScalar = (ast: SchemaAST.AST): IsPlain | undefined => {
  if (SchemaAST.isString(ast)) return (value) => typeof value === "string"
  if (SchemaAST.isNumber(ast)) return Number.isFinite
  if (SchemaAST.isBoolean(ast)) return (value) => typeof value === "boolean"
  if (SchemaAST.isNull(ast)) return (value) => value === null
  if (SchemaAST.isLiteral(ast)) return typeof ast.literal === "bigint" ? undefined : (value) => value === ast.literal
  if (!SchemaAST.isUnion(ast) || ast.options?.mode === "oneOf") return undefined
  // Of structs, another than the one it is plain for could be the first to take it.
  const members = ast.types.map((type) =>
    SchemaAST.isObjects(type) || SchemaAST.isArrays(type) ? undefined : isPlainOf(type)
  )
  return members.every((member) => member !== undefined)
    ? (value) => members.some((member) => member(value))
    : undefined
}

const isArray = ({ elements, rest }: SchemaAST.Arrays): IsPlain | undefined => {
  const [type, ...others] = rest
  const isElement = type === undefined || others.length > 0 || elements.length > 0 ? undefined : isPlainOf(type)
  if (isElement === undefined) return undefined
  return (value) => {
    if (!Array.isArray(value) || Object.getPrototypeOf(value) !== Array.prototype) return false
    for (let index = 0; index < value.length; index++) {
      if (!isElement(value[index])) return false
    }
    return true
  }
}

const isStruct = ({ indexSignatures, propertySignatures }: SchemaAST.Objects): IsPlain | undefined => {
  const properties = propertySignatures.flatMap(({ name, type }) => {
    const isValue = isPlainOf(type)
    return isValue === undefined || typeof name !== "string" || name === "__proto__"
      ? []
      : [{ name, optional: SchemaAST.isOptional(type), isValue }]
  })
  const { length } = properties
  if (length === 0 || length < propertySignatures.length || indexSignatures.length > 0) return undefined
  return (value) => {
    if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return false
    let next = 0
    for (const key in value) {
      let property = properties[next++]
      while (property !== undefined && property.name !== key) {
        if (!property.optional) return false
        property = properties[next++]
      }
      if (property === undefined || !property.isValue((value as Record<string, unknown>)[key])) return false
    }
    while (next < length) {
      if (properties[next++]?.optional === false) return false
    }
    return true
  }
}
