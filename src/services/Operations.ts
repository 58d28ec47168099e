import * as Context from "effect/Context"
import * as HttpApi from "effect/http-api/HttpApi"
import type * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import type * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Result from "effect/Result"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import { fieldsOf, type JsonSchema, resolve } from "./OperationField.ts"
import type { OperationField } from "./OperationField.ts"

/**
 * How the body of an operation is given: by flags (`json`, `form`), as one `--body` (`value`, `text`) or only as
 * `--input` (`bytes`).
 *
 * @category models
 * @since 1.1.0
 */
export interface OperationBody {
  readonly contentType: string
  readonly kind: "json" | "form" | "value" | "text" | "bytes"
  readonly required: boolean
}

/**
 * One operation as the command line sees it: `<group> <name> --flags`; `group` is `undefined` at the top level.
 *
 * @category models
 * @since 1.1.0
 */
export interface Operation {
  readonly group: string | undefined
  readonly name: string
  readonly method: string
  readonly path: string
  readonly description: string
  readonly fields: ReadonlyArray<OperationField>
  /** Paths of the body's objects that must be there, also when no flag is given for them. */
  readonly objects: ReadonlyArray<ReadonlyArray<string>>
  readonly body: OperationBody | undefined
  readonly streams: boolean
}

/**
 * Operations that have no command line, all of them, each with its endpoint and what to do.
 *
 * @category errors
 * @since 1.1.0
 */
export class OperationsError extends Schema.TaggedError<OperationsError>()("OperationsError", {
  problems: Schema.Array(Schema.String)
}) {
  override readonly [Runtime.errorExitCode]: number = 1
  override get message(): string {
    return `No command line for ${this.problems.join("; ")}`
  }
}

/**
 * The chassis' own commands, which no group of operations may be named like.
 *
 * @category constants
 * @since 1.1.0
 */
export const commands: ReadonlyArray<string> = [
  "serve",
  "init",
  "wait-ready",
  "template",
  "user-data",
  "settings",
  "profile",
  "debug",
  "logs",
  "health",
  "loglevel",
  "top",
  "help"
]

const word = /^[A-Za-z][\w-]*$/

/**
 * Reflects an `HttpApi` as commands. Fields come from its OpenAPI document, so that flags, documents and wire agree.
 *
 * Operations excluded from the document have no command. `commands` are the chassis' own, which no group may take.
 *
 * @category constructors
 * @since 1.1.0
 */
export const reflect = <Id extends string, Groups extends HttpApiGroup.Constraint>(
  api: HttpApi.HttpApi<Id, Groups>,
  commands: ReadonlyArray<string>
): Result.Result<ReadonlyArray<Operation>, OperationsError> => {
  const spec = OpenApi.fromApi(api)
  const paths = spec.paths as Readonly<Record<string, Readonly<Record<string, OpenApi.OpenAPISpecOperation>>>>
  const operations: Array<Operation> = []
  const problems: Array<string> = []

  HttpApi.reflect(api, {
    onGroup: () => {},
    onEndpoint: (reflected): void => {
      const endpoint = reflected.endpoint as unknown as HttpApiEndpoint.Top
      const group = reflected.group as unknown as HttpApiGroup.Top
      const name = group.topLevel ? endpoint.identifier : `${group.identifier}.${endpoint.identifier}`
      const refuse = (reason: string): void => {
        problems.push(`${name} (${endpoint.method} ${endpoint.path}): ${reason}`)
      }
      const first = group.topLevel ? endpoint.identifier : group.identifier

      if ([group.annotations, reflected.mergedAnnotations].some(Context.get(OpenApi.Exclude))) return
      if (endpoint.path.includes("*")) return refuse("a wildcard path; name its parameters instead")
      if (endpoint.method === "QUERY") return refuse("method QUERY has no OpenAPI operation; use POST")
      const path = pathIn(paths, endpoint.path)
      const found = paths[path]?.[endpoint.method.toLowerCase()]
      if (found === undefined) return refuse("a path that OpenAPI writes otherwise; make it simpler")
      if (/\/:\w/.test(path)) return refuse("a parameter in its path that is not declared; add it to params")
      if (!word.test(first) || !word.test(endpoint.identifier)) {
        return refuse("its name is no command word; use letters, digits, - and _")
      }
      if (commands.includes(first)) return refuse(`${first} is a command of the chassis; rename it`)
      if ("101" in (found.responses ?? {})) return refuse("it upgrades the connection; serve it beside the operations")
      const body = bodyOf(found, spec)
      if (body === "multipart") return refuse("a multipart body; take JSON, a form or a stream")

      const optional = new Set(
        [...endpoint.path.matchAll(parameter)].flatMap(([whole, , name]) =>
          name !== undefined && whole.endsWith("?") ? [name] : []
        )
      )
      const fields = fieldsOf(found, optional, body?.schema, (schema) => resolve(schema, spec))
      if (Result.isFailure(fields)) return refuse(fields.failure)
      operations.push({
        group: group.topLevel ? undefined : group.identifier,
        name: endpoint.identifier,
        method: endpoint.method,
        path: endpoint.path,
        description: found.summary ?? found.description ?? `${endpoint.method} ${endpoint.path}`,
        ...fields.success,
        body: body?.body,
        streams: Object.values(found.responses ?? {}).some(({ content }) =>
          Object.values(content ?? {}).some((media) => media !== undefined && "x-effect-stream" in media)
        )
      })
    }
  })
  return problems.length === 0 ? Result.succeed(operations) : Result.fail(new OperationsError({ problems }))
}

// Of what looks like parameters, OpenAPI's path has those that are declared in braces.
const pathIn = (paths: Readonly<Record<string, unknown>>, path: string): string => {
  const filled = fillPath(path, (name) => `{${name}}`)
  return filled in paths ?
    filled :
    Object.keys(paths).find((other) =>
      fillPath(path, (name) => other.includes(`{${name}}`) ? `{${name}}` : undefined) === other
    ) ?? filled
}

/**
 * Replaces the parameters of an endpoint's path with what `fill` gives for their names: `undefined` leaves one as it is,
 * `null` takes it out with the slash before it.
 *
 * @category conversions
 * @since 1.1.0
 */
export const fillPath = (path: string, fill: (name: string) => string | null | undefined): string =>
  path.replace(parameter, (whole, slash: string, name: string | undefined) => {
    const value = name === undefined ? undefined : fill(name)
    return value === undefined ? whole : value === null ? "" : slash + value
  })

// A doubled colon is a colon; a name may be followed by the expression that its values match.
const parameter = /(\/?)(?:::|:(\w+)(?:\((?:[^()]|\([^()]*\))*\))?\??)/g

const bodyOf = (operation: OpenApi.OpenAPISpecOperation, spec: OpenApi.OpenAPISpec) => {
  if (operation.requestBody === undefined) return undefined
  const medias = Object.entries(operation.requestBody.content).filter(([type]) => !type.startsWith("multipart/"))
  const [contentType, media] = medias.find(([type]) => type === "application/json") ?? medias[0] ?? []
  if (contentType === undefined || media === undefined) return "multipart"
  const required = operation.requestBody.required
  const schema = resolve(media.schema as JsonSchema, spec)
  const streams = "x-effect-stream" in media
  const kind = streams
    ? "bytes"
    : contentType === "application/x-www-form-urlencoded"
    ? "form"
    : /[/+]json$/.test(contentType)
    ? schema.properties === undefined ? "value" : "json"
    : contentType.startsWith("text/")
    ? "text"
    : "bytes"
  return { body: { contentType, kind, required } as const, schema: kind === "bytes" ? undefined : { kind, schema } }
}
