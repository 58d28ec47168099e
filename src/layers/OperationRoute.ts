import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Exit from "effect/Exit"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import type { IncomingMessage, ServerResponse } from "node:http"
import * as EarlyRequest from "./EarlyRequest.ts"
import * as OperationCodec from "./OperationCodec.ts"
import type { CapturedGroup } from "./OperationGroup.ts"
import * as RawHeader from "./RawHeader.ts"
import * as RequestBody from "./RequestBody.ts"

type Params = Readonly<Record<string, string | undefined>>
type Query = Readonly<Record<string, string | Array<string>>>
type Answering = Effect.Effect<HttpServerResponse.HttpServerResponse, unknown, unknown>

/**
 * What came of a request that was begun without a fiber: true when it is answered, the effect to go on with when its
 * handler needs a fiber, and false when the handler was not even called.
 *
 * @category models
 * @since 1.1.0
 */
export type Begun = boolean | Answering

/**
 * A compiled operation.
 *
 * `run` answers one request, or is `undefined` for one that only the general machinery can answer. `begin` answers on
 * the spot where it can, or returns what to call with the text of the body once that is there.
 *
 * @category models
 * @since 1.1.0
 */
export interface OperationRoute {
  readonly run: (
    request: HttpServerRequest.HttpServerRequest,
    params: Params,
    query: Query
  ) => Answering | undefined
  readonly begin:
    | ((
      request: IncomingMessage,
      response: ServerResponse,
      params: Params,
      query: Query
    ) => Begun | ((body: string) => Begun))
    | undefined
  /** Tells the error reporters of the handlers, as Effect's own router does. */
  readonly report: (cause: Cause.Cause<unknown>) => Effect.Effect<void, never, unknown>
}

/**
 * Compiles an endpoint and its captured handler to functions that decode, handle and encode with nothing between.
 *
 * **Details**
 *
 * Plain JSON operations compile. Streams, middleware, several success or content types, response headers and parse
 * options need the general machinery: for those the answer is `undefined`. All ways give the same bytes.
 *
 * An operation without declared headers can also `begin` without a fiber: when its handler returns a value that is
 * already there (`Effect.succeed`) it is answered on the spot.
 *
 * @category constructors
 * @since 1.1.0
 */
export const compile = (
  reflected: OperationCodec.ReflectedEndpoint,
  captured: CapturedGroup,
  context: Context.Context<never>
): OperationRoute | undefined => {
  const { endpoint, group } = reflected
  const handler = captured.handlers.get(endpoint.identifier)
  const success = OperationCodec.successAnswer(reflected)
  const failures = OperationCodec.failureAnswers(reflected)
  const payload = OperationCodec.payloadCodec(endpoint)
  if (
    handler === undefined || success === undefined || failures === undefined || payload === undefined ||
    endpoint.middlewares.size > 0 ||
    OperationCodec.parseOptionKeys.some(({ key }) => reflected.mergedAnnotations.mapUnsafe.has(key))
  ) return undefined

  const provide = provider(captured.context, context)
  const report: OperationRoute["report"] = (cause) => provide(ErrorReporter.report(cause))
  const params = OperationCodec.decoder("Params", endpoint.params)
  // Reading the headers copies them: only an operation that declares some pays for that.
  const headers = endpoint.headers === undefined ? undefined : OperationCodec.decoder("Headers", endpoint.headers)
  const query = OperationCodec.queryDecoder(endpoint.query)
  const onSuccess = (value: unknown): Answering =>
    HttpServerResponse.isHttpServerResponse(value)
      ? Exit.succeed(value)
      : Effect.mapEager(success.encode(value), (encoded) => OperationCodec.respond(success, encoded))
  const onFailure = (cause: Cause.Cause<unknown>): Answering => {
    const failure = Option.getOrUndefined(Cause.findErrorOption(cause))
    for (const encode of failure === undefined ? [] : failures) {
      const encoded = encode(failure)
      if (encoded !== undefined) return Effect.as(report(cause), encoded)
    }
    return Exit.failCause(cause)
  }
  const finish = (handled: Effect.Effect<unknown, unknown, unknown>): Answering => {
    if (isDone(handled)) return onSuccess(handled.value)
    return Effect.flatMap(
      Effect.exit(handler.uninterruptible ? handled : Effect.interruptible(handled)),
      (exit) => Exit.isSuccess(exit) ? onSuccess(exit.value) : onFailure(exit.cause)
    )
  }

  const run: OperationRoute["run"] = (request, rawParams, rawQuery) => {
    const body = payload.read(request, rawQuery)
    if (body === undefined) return undefined
    return provide(Effect.flatMapEager(
      params(rawParams),
      (params) =>
        Effect.flatMapEager(
          headers === undefined ? OperationCodec.nothing : headers(request.headers),
          (headers) =>
            Effect.flatMapEager(query(rawQuery), (query) =>
              Effect.flatMapEager(body, (payload) =>
                finish(handler.handle({ request, endpoint, group, params, headers, query, payload }))))
        )
    ))
  }

  const handle = (
    source: IncomingMessage,
    response: ServerResponse,
    params: unknown,
    query: unknown,
    payload: unknown,
    body?: string
  ): Begun => {
    const request = EarlyRequest.make(source, response, body)
    const handled = handler.handle({ request, endpoint, group, params, headers: undefined, query, payload })
    if (!isDone(handled)) {
      return provide(Effect.withFiber((fiber) => {
        request.resolve(Context.getUnsafe(fiber.context, HttpServerRequest.HttpServerRequest))
        return finish(handled)
      }))
    }
    const { value } = handled
    const plain = success.textOf(value)
    if (plain !== undefined) return send(response, plain)
    if (HttpServerResponse.isHttpServerResponse(value)) return finish(handled)
    const encoded = success.encode(value)
    if (!isDone(encoded)) {
      return provide(Effect.mapEager(encoded, (encoded) => OperationCodec.respond(success, encoded)))
    }
    const text = success.text(encoded.value)
    return text === undefined ? Exit.succeed(OperationCodec.respond(success, encoded.value)) : send(response, text)
  }

  const send = (response: ServerResponse, text: string): true => {
    const length = Buffer.byteLength(text)
    response.writeHead(success.status, { "content-type": success.contentType, "content-length": length })
    // ASCII is the same in both, and cheaper to write as the latter.
    response.end(text, length === text.length ? "latin1" : "utf8")
    return true
  }

  const { ofBody } = payload
  const begin: OperationRoute["begin"] = (request, response, rawParams, rawQuery) => {
    const decodedParams = params(rawParams)
    if (!isDone(decodedParams)) return false
    const decodedQuery = query(rawQuery)
    if (!isDone(decodedQuery)) return false
    if (ofBody === undefined) {
      const decodedPayload = payload.read(noRequest, rawQuery)
      return decodedPayload !== undefined && isDone(decodedPayload) &&
        handle(request, response, decodedParams.value, decodedQuery.value, decodedPayload.value)
    }
    if (!RequestBody.isAhead(request) || !ofBody.accepts(RawHeader.find(request.rawHeaders, "content-type"))) {
      return false
    }
    return (body) => {
      const decodedPayload = ofBody.decode(body)
      return isDone(decodedPayload) &&
        handle(request, response, decodedParams.value, decodedQuery.value, decodedPayload.value, body)
    }
  }

  return { run, begin: headers === undefined && isBodied(success.status) ? begin : undefined, report }
}

// Those that Effect answers otherwise have no body, or are none of an answer that ends a request.
const isBodied = (status: number) => status >= 200 && status < 600 && ![204, 205, 304].includes(status)

// Asked several times a request: comparing prototypes costs a tenth of `Exit.isExit` and `Exit.isSuccess`.
const isDone = (effect: Effect.Effect<unknown, unknown, unknown>): effect is Exit.Success<unknown> =>
  Object.getPrototypeOf(effect) === successPrototype

const successPrototype: unknown = Object.getPrototypeOf(Exit.void)

const noRequest = {} as HttpServerRequest.HttpServerRequest

const provider = (wanted: Context.Context<never>, given: Context.Context<never>) => {
  const missing = new Map([...wanted.mapUnsafe].filter(([key, value]) => given.mapUnsafe.get(key) !== value))
  const context = Context.makeUnsafe<unknown>(missing)
  return <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, unknown> =>
    missing.size === 0 || isDone(effect) ? effect : Effect.provideContext(effect, context)
}
