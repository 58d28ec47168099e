import type * as OpenApi from "effect/http-api/OpenApi"
import * as Result from "effect/Result"

/**
 * The part of JSON Schema that fields are read from.
 *
 * @category models
 * @since 1.1.0
 */
export interface JsonSchema {
  readonly $ref?: string
  readonly type?: string
  readonly enum?: ReadonlyArray<unknown>
  readonly pattern?: string
  readonly anyOf?: ReadonlyArray<JsonSchema>
  readonly allOf?: ReadonlyArray<JsonSchema>
  readonly items?: JsonSchema
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: ReadonlyArray<string>
  readonly description?: string
}

/**
 * What a flag's text may be: JSON texts that are no JSON are taken as plain text where `text` allows it; without `types`
 * any JSON is.
 *
 * @category models
 * @since 1.1.0
 */
export type FieldKind =
  | { readonly _tag: "Text"; readonly pattern: RegExp | undefined }
  | { readonly _tag: "Choice"; readonly choices: ReadonlyArray<string | number | boolean> }
  | { readonly _tag: "Number"; readonly integer: boolean }
  | { readonly _tag: "Boolean" }
  | { readonly _tag: "Json"; readonly text: boolean; readonly types: ReadonlyArray<string> }

/**
 * One flag of an operation and the place of its value in the request; `path` leads into the body.
 *
 * @category models
 * @since 1.1.0
 */
export interface OperationField {
  readonly flag: string
  readonly slot: "path" | "query" | "header" | "body"
  readonly path: ReadonlyArray<string>
  readonly kind: FieldKind
  readonly required: boolean
  readonly repeated: boolean
  readonly description: string
}

/**
 * The flags every operation has.
 *
 * @category constants
 * @since 1.1.0
 */
export const commonFlags: ReadonlyArray<string> = ["json", "input", "target", "header", "help", "completions"]

/**
 * What the flags of one operation make: their fields, and the paths in the body of objects that must be there though no
 * flag is given for them.
 *
 * @category models
 * @since 1.1.0
 */
export interface OperationFields {
  readonly fields: ReadonlyArray<OperationField>
  readonly objects: ReadonlyArray<ReadonlyArray<string>>
}

/**
 * Follows `$ref` into the components of the document, and puts the parts of `allOf` together.
 *
 * @category combinators
 * @since 1.1.0
 */
export const resolve = (schema: JsonSchema, spec: OpenApi.OpenAPISpec): JsonSchema => {
  const name = schema.$ref?.slice("#/components/schemas/".length)
  if (name === undefined) {
    const { allOf, ...rest } = schema
    return allOf === undefined ? schema : Object.assign({}, ...allOf.map((part) => resolve(part, spec)), rest)
  }
  const target = (spec.components.schemas as Readonly<Record<string, JsonSchema>>)[decodePointer(name)]
  return target === undefined ? {} : resolve(target, spec)
}

const decodePointer = (text: string) => decodeURIComponent(text).replace(/~1/g, "/").replace(/~0/g, "~")

/**
 * The fields of one operation. Fields of the same name in two places, or named like a common flag, are spelled with
 * their place: `--path.id`, `--body.id`. Fails where that is not enough. `optional` are parameters that the path may be
 * without.
 *
 * @category constructors
 * @since 1.1.0
 */
export const fieldsOf = (
  operation: OpenApi.OpenAPISpecOperation,
  optional: ReadonlySet<string>,
  body: { readonly kind: string; readonly schema: JsonSchema } | undefined,
  follow: (schema: JsonSchema) => JsonSchema
): Result.Result<OperationFields, string> => {
  const parameters = operation.parameters.filter((parameter) => parameter.in !== "cookie").map((parameter) => {
    const schema = follow(parameter.schema as JsonSchema)
    const item = itemOf(schema, follow, "text")
    return {
      flag: parameter.name,
      slot: parameter.in as "path" | "query" | "header",
      path: [parameter.name],
      kind: item ?? kindOf(schema, follow, "text"),
      required: parameter.required && !(parameter.in === "path" && optional.has(parameter.name)),
      repeated: item !== undefined,
      description: parameter.description ?? ""
    }
  })
  const { fields: ofBody, objects } = body === undefined ? { fields: [], objects: [] } : bodyFields(body, follow)
  const fields = [...parameters, ...ofBody]
  const count = (flag: string) => fields.filter((field) => field.flag === flag).length
  const spelled = fields.map((field) =>
    count(field.flag) > 1 || commonFlags.includes(field.flag)
      ? { ...field, flag: `${field.slot}.${field.flag}` }
      : field
  )
  const names = spelled.map(({ flag }) => flag)
  const twice = names.find((flag, index) => names.indexOf(flag) !== index)
  const unusable = names.find((flag) => /[\s=]|^-|^$/.test(flag))
  return twice !== undefined
    ? Result.fail(`two fields would both be the flag --${twice}; rename one`)
    : unusable !== undefined
    ? Result.fail(`field ${JSON.stringify(unusable)} cannot be a flag; rename it`)
    : Result.succeed({ fields: spelled, objects })
}

const bodyFields = (
  { kind, schema }: { readonly kind: string; readonly schema: JsonSchema },
  follow: (schema: JsonSchema) => JsonSchema
): OperationFields => {
  if (kind === "value" || kind === "text") {
    const field: OperationField = {
      flag: "body",
      slot: "body",
      path: [],
      kind: kind === "text" ? { _tag: "Text", pattern: undefined } : kindOf(schema, follow, "json"),
      required: true,
      repeated: false,
      description: schema.description ?? "the request body"
    }
    return { fields: [field], objects: [] }
  }
  const wire = kind === "form" ? "text" : "json"
  const fields: Array<OperationField> = []
  const objects: Array<ReadonlyArray<string>> = []
  const walk = (
    { properties = {}, required = [] }: JsonSchema,
    path: ReadonlyArray<string>,
    needed: boolean,
    above: ReadonlyArray<JsonSchema["properties"]>
  ): void => {
    for (const [name, property] of Object.entries(properties)) {
      const target = follow(property)
      const here = [...path, name]
      const neededHere = needed && required.includes(name)
      // What is in itself has no last flag: it is given as JSON.
      const within = [...above, properties]
      if (
        kind === "json" && target.properties !== undefined && Object.keys(target.properties).length > 0 &&
        !within.includes(target.properties)
      ) {
        if (neededHere) objects.push(here)
        walk(target, here, neededHere, within)
        continue
      }
      const item = itemOf(target, follow, wire)
      const repeated = item !== undefined && item._tag !== "Json"
      fields.push({
        flag: here.join("."),
        slot: "body",
        path: here,
        kind: repeated ? item : kindOf(target, follow, wire),
        required: neededHere,
        repeated,
        description: target.description ?? ""
      })
    }
  }
  walk(schema, [], true, [])
  return { fields, objects }
}

// What one of several values is; as texts one value and several look alike, and a union may take both.
const itemOf = (
  schema: JsonSchema,
  follow: (schema: JsonSchema) => JsonSchema,
  wire: "text" | "json"
): FieldKind | undefined =>
  schema.type === "array"
    ? kindOf(follow(schema.items ?? {}), follow, wire)
    : wire === "text" && (schema.anyOf ?? []).some((member) => follow(member).type === "array")
    ? { _tag: "Text", pattern: undefined }
    : undefined

const nonFinite = ["Infinity", "-Infinity", "NaN"]

const kindOf = (schema: JsonSchema, follow: (schema: JsonSchema) => JsonSchema, wire: "text" | "json"): FieldKind => {
  const choices = schema.enum
  if (choices !== undefined && choices.every((choice) => choice !== null && typeof choice !== "object")) {
    return choices.length === 2 && choices.every((choice) => choice === "true" || choice === "false")
      ? { _tag: "Boolean" }
      : { _tag: "Choice", choices: choices as ReadonlyArray<string | number | boolean> }
  }
  if (schema.type === "boolean") return { _tag: "Boolean" }
  if (schema.type === "number" || schema.type === "integer") {
    return { _tag: "Number", integer: schema.type === "integer" }
  }
  if (schema.type === "string" || wire === "text") {
    return { _tag: "Text", pattern: schema.pattern === undefined ? undefined : new RegExp(schema.pattern, "u") }
  }
  const members = (schema.anyOf ?? []).map(follow)
  const finite = members.filter((member) =>
    !(member.enum?.every((value) => nonFinite.includes(String(value))) ?? false)
  )
  if (finite.length === 1 && members.length > 1 && finite[0] !== undefined) return kindOf(finite[0], follow, wire)
  const types = members.length === 0
    ? schema.type === undefined ? [] : [schema.type]
    : members.map((member) => member.type ?? "unknown")
  return { _tag: "Json", types, text: types.length === 0 || types.includes("string") }
}
