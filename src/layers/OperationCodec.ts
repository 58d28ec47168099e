import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpApi from "effect/http-api/HttpApi"
import type * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import { HttpApiSchemaError } from "effect/http-api/HttpApiError"
import type * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as HttpMethod from "effect/http/HttpMethod"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as SchemaIssue from "effect/SchemaIssue"
import * as PlainValue from "./PlainValue.ts"

/**
 * One endpoint as `HttpApi.reflect` shows it.
 *
 * @category models
 * @since 1.1.0
 */
export interface ReflectedEndpoint {
  readonly group: HttpApiGroup.Top
  readonly endpoint: HttpApiEndpoint.Top
  readonly mergedAnnotations: Context.Context<never>
  readonly successes: ReadonlyMap<number, ReadonlyArray<Schema.Top>>
  readonly errors: ReadonlyMap<number, ReadonlyArray<Schema.Top>>
}

/**
 * Encodes or decodes one value.
 *
 * @category models
 * @since 1.1.0
 */
export type Codec = (input: unknown) => Effect.Effect<unknown, Schema.SchemaError, unknown>

/**
 * What a slot that is not declared decodes to.
 *
 * @category constants
 * @since 1.1.0
 */
export const nothing = Exit.succeed(undefined)

/**
 * Decodes one slot of the request; a value that is refused fails as Effect's own router does. What need not be
 * interpreted, as most paths and bodies, is given back as it is.
 *
 * @category constructors
 * @since 1.1.0
 */
export const decoder = (kind: HttpApiSchemaError["kind"], schema: Schema.Top | undefined): Codec => {
  if (schema === undefined) return () => nothing
  const isPlain = PlainValue.make(schema)
  const decode: Codec = Schema.decodeUnknownEffect(schema)
  return (input) => isPlain?.(input) === true ? Exit.succeed(input) : refusing(kind, decode(input)) as ReturnType<Codec>
}

/**
 * Decodes the query as {@link decoder} does. One that is empty, where that is allowed, is not interpreted.
 *
 * @category constructors
 * @since 1.1.0
 */
export const queryDecoder = (schema: Schema.Top | undefined): Codec => {
  if (schema === undefined) return () => nothing
  const decode = decoder("Query", Schema.toCodecArrayFromSingle(schema))
  const ofNothing = decode({})
  return Exit.isExit(ofNothing) && Exit.isSuccess(ofNothing) && isEmptyRecord(ofNothing.value)
    ? (input) => isEmpty(input as object) ? Exit.succeed({}) : decode(input)
    : decode
}

const isEmptyRecord = (value: unknown): boolean =>
  Predicate.isObject(value) && Object.getPrototypeOf(value) === Object.prototype && Reflect.ownKeys(value).length === 0

const isEmpty = (value: object): boolean => {
  for (const _ in value) return false
  return true
}

const refusing = (kind: HttpApiSchemaError["kind"], effect: ReturnType<Codec>) =>
  Exit.isExit(effect) && Exit.isSuccess(effect) ? effect : HttpApiSchemaError.wrap(kind, effect)

/**
 * The annotations that change how slots are parsed.
 *
 * @category constants
 * @since 1.1.0
 */
export const parseOptionKeys = [
  HttpApi.ParseOptions,
  HttpApi.ParamsParseOptions,
  HttpApi.QueryParseOptions,
  HttpApi.HeadersParseOptions,
  HttpApi.PayloadParseOptions,
  HttpApi.SuccessParseOptions,
  HttpApi.ErrorParseOptions
]

const encodingOf = SchemaAST.resolveAt<{ readonly _tag: string; readonly contentType: string }>("~httpApiEncoding")
const headersOf = SchemaAST.resolveAt<unknown>("~httpApiWithHeaders")

const isPlainJson = (schema: Schema.Top) =>
  !HttpApiSchema.isWithHeaders(schema) && headersOf(schema.ast) === undefined &&
  (encodingOf(schema.ast)?._tag ?? "Json") === "Json"

/**
 * How a value becomes the JSON text of an answer, `undefined` when the answer has no body.
 *
 * @category models
 * @since 1.1.0
 */
export interface JsonAnswer {
  readonly status: number
  readonly contentType: string
  /** The text of a value that need not be interpreted, `undefined` for any other. */
  readonly textOf: (value: unknown) => string | undefined
  readonly encode: Codec
  readonly text: (encoded: unknown) => string | undefined
}

const jsonAnswer = (schema: Schema.Top, status: number): JsonAnswer => {
  const noContent = HttpApiSchema.isNoContent(schema.ast)
  const encode: Codec = Schema.encodeUnknownEffect(schema)
  return {
    status,
    contentType: encodingOf(schema.ast)?.contentType ?? "application/json",
    textOf: noContent ? () => undefined : PlainValue.encoder(schema),
    encode: (value) => refusing("Body", encode(value)) as ReturnType<Codec>,
    text: (encoded) => encoded === undefined || noContent ? undefined : JSON.stringify(encoded)
  }
}

/**
 * Makes the response of an encoded value.
 *
 * @category constructors
 * @since 1.1.0
 */
export const respond = ({ contentType, status, text }: JsonAnswer, encoded: unknown) => {
  const body = text(encoded)
  return body === undefined
    ? HttpServerResponse.empty({ status })
    : HttpServerResponse.text(body, { status, contentType })
}

/**
 * The answer of an operation with one plain JSON success, `undefined` for any other.
 *
 * @category constructors
 * @since 1.1.0
 */
export const successAnswer = ({ endpoint, successes }: ReflectedEndpoint): JsonAnswer | undefined => {
  const [[status, [schema]] = [200, []], ...others] = [...successes]
  const declared = endpoint.success as ReadonlySet<unknown>
  return schema === undefined || others.length > 0 || declared.size > 1 || !isPlainJson(schema)
    ? undefined
    : jsonAnswer(schema, status)
}

/**
 * The answers of the declared errors in their order, `undefined` unless all of them are plain JSON.
 *
 * @category constructors
 * @since 1.1.0
 */
export const failureAnswers = ({ endpoint, errors }: ReflectedEndpoint) => {
  const order: ReadonlyArray<unknown> = [...endpoint.error]
  const declared = [...errors].flatMap(([status, schemas]) => schemas.map((schema) => ({ status, schema }))).sort(
    (one, other) => order.indexOf(one.schema) - order.indexOf(other.schema)
  )
  if (!declared.every(({ schema }) => isPlainJson(schema))) return undefined
  return declared.map(({ schema, status }) => {
    const encode = Schema.encodeUnknownExit(schema as Schema.Codec<unknown, unknown>)
    const answer = jsonAnswer(schema, status)
    return (error: unknown) => {
      const encoded = encode(error)
      return Exit.isSuccess(encoded) ? respond(answer, encoded.value) : undefined
    }
  })
}

/**
 * Decodes the text of a whole body.
 *
 * @category models
 * @since 1.1.0
 */
export interface BodyCodec {
  readonly accepts: (contentType: string | undefined) => boolean
  readonly decode: (text: string) => Effect.Effect<unknown, unknown, unknown>
}

/**
 * Reads and decodes the payload; `undefined` when only the general machinery can.
 *
 * @category models
 * @since 1.1.0
 */
export interface PayloadCodec {
  /** Decodes a body once it is there; `undefined` where the payload is not in one. */
  readonly ofBody: BodyCodec | undefined
  readonly read: (
    request: HttpServerRequest.HttpServerRequest,
    query: unknown
  ) => Effect.Effect<unknown, unknown, unknown> | undefined
}

/**
 * The payload of an operation without one, in the query, or as JSON, `undefined` for any other.
 *
 * @category constructors
 * @since 1.1.0
 */
export const payloadCodec = (endpoint: HttpApiEndpoint.Top): PayloadCodec | undefined => {
  const [entry, ...others] = endpoint.payload.values()
  if (entry === undefined) return { ofBody: undefined, read: () => nothing }
  if (others.length > 0) return undefined
  const schema = Schema.Union(entry.schemas)
  if (!HttpMethod.hasBody(endpoint.method)) {
    const decode = decoder("Payload", Schema.toCodecArrayFromSingle(schema))
    return { ofBody: undefined, read: (_request, query) => decode(query) }
  }
  if (entry.encoding._tag !== "Json" || entry.encoding.contentType !== "application/json") return undefined
  const decode = decoder("Payload", schema)
  const empty = entry.schemas.some(({ ast }) => SchemaAST.isNull(SchemaAST.toEncoded(ast))) ? null : undefined
  const ofBody: BodyCodec = {
    accepts: (contentType) => contentType === undefined || json.test(contentType),
    decode: (text) => {
      if (text === "") return decode(empty)
      let body: unknown
      try {
        body = JSON.parse(text)
      } catch {
        return Effect.fail(notJson)
      }
      return decode(body)
    }
  }
  return {
    ofBody,
    read: (request) =>
      ofBody.accepts(request.headers["content-type"]) ? Effect.flatMap(request.text, ofBody.decode) : undefined
  }
}

const json = /^application\/json[ \t]*(?:;|$)/i

const notJson = new HttpApiSchemaError({
  kind: "Payload",
  cause: new Schema.SchemaError(new SchemaIssue.InvalidValue({ message: "Expected a valid JSON body" }))
})
