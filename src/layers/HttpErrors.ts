import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { HttpApiPayloadTooLarge, HttpApiSchemaError } from "effect/http-api/HttpApiError"
import * as HttpServerError from "effect/http/HttpServerError"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerRespondable from "effect/http/HttpServerRespondable"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { DebugLines } from "../services/DebugLines.ts"

/**
 * The body of every answer that no handler declared: what happened and what to do, tagged like a declared error.
 *
 * @category models
 * @since 1.1.0
 */
export interface ErrorBody {
  readonly _tag: string
  readonly message: string
  readonly [detail: string]: unknown
}

const respond = (status: number, body: ErrorBody, headers?: Record<string, string>) =>
  Effect.succeed(HttpServerResponse.text(JSON.stringify(body), {
    status,
    contentType: "application/json",
    ...(headers === undefined ? {} : { headers })
  }))

/**
 * Turns whatever an operation failed with into an answer with a tag and a message.
 *
 * **Details**
 *
 * Declared errors never reach this: they are encoded by their own schema. Unexpected causes are logged with their
 * stack, after the lines below the log level that were kept of the request, and answered 500 without it.
 *
 * @category combinators
 * @since 1.1.0
 */
export const toResponse = (
  cause: Cause.Cause<unknown>,
  request: HttpServerRequest.HttpServerRequest,
  { allowed, fiber, overview }: {
    readonly allowed: (request: HttpServerRequest.HttpServerRequest) => ReadonlyArray<string>
    /** What to look at where nothing is served. */
    readonly overview: string
    /** Who answers: what it interrupts itself, the end of the service does not. */
    readonly fiber: number
  }
): Effect.Effect<HttpServerResponse.HttpServerResponse, unknown> => {
  let unexpected = cause
  for (const reason of cause.reasons) {
    switch (reason._tag) {
      case "Interrupt":
        if (reason.annotations.has(HttpServerError.ClientAbort.key)) return Effect.failCause(cause)
        break
      case "Die":
        if (HttpServerResponse.isHttpServerResponse(reason.defect)) return Effect.failCause(cause)
    }
    const error = reason._tag === "Fail" ? reason.error : reason._tag === "Die" ? reason.defect : undefined
    if (HttpApiSchemaError.is(error)) {
      // An answer that its own schema refuses is no fault of who asked.
      if (error.kind === "Body" || error.kind === "ResponseHeaders") {
        unexpected = Cause.die(error.cause)
        break
      }
      return respond(400, {
        _tag: error.name,
        kind: error.kind,
        message: `${error.kind} of ${request.method} ${pathOf(request)}: ${error.cause.message}`
      })
    }
    if (HttpApiPayloadTooLarge.is(error)) return respond(413, { _tag: error.name, message: error.message }, closing)
    if (error instanceof HttpServerError.HttpServerError) {
      if (error.reason._tag === "RouteNotFound") return notFound(request, allowed(request), overview)
      if (error.reason._tag === "RequestParseError") {
        return error.reason.reason === "BodyTooLarge"
          ? respond(
            413,
            { _tag: "BodyTooLarge", message: "The request body is larger than this service takes" },
            closing
          )
          : respond(400, { _tag: "RequestParseError", message: "The request body could not be read" }, closing)
      }
    }
    if (HttpServerRespondable.isRespondable(error)) return HttpServerRespondable.toResponse(error)
  }
  const interruptors = [...Cause.interruptors(cause)]
  const itself = interruptors.length > 0 && interruptors.every((id) => id === fiber)
  if (Cause.hasInterruptsOnly(cause) && !itself) {
    return respond(503, {
      _tag: "ServiceUnavailable",
      message: "The service is shutting down; try another instance"
    }, { ...closing, "retry-after": "1" })
  }
  return Effect.flatMap(
    Effect.andThen(
      Effect.map(DebugLines, (lines) => lines?.flush()),
      Effect.logError(`${request.method} ${pathOf(request)} failed`, unexpected)
    ),
    () => respond(500, { _tag: "InternalServerError", message: "The operation failed; the log has the cause" })
  )
}

const closing = { connection: "close" }

const pathOf = ({ url }: HttpServerRequest.HttpServerRequest) => {
  const end = url.indexOf("?")
  return end === -1 ? url : url.slice(0, end)
}

const notFound = (request: HttpServerRequest.HttpServerRequest, allowed: ReadonlyArray<string>, overview: string) =>
  allowed.length === 0
    ? respond(404, {
      _tag: "RouteNotFound",
      message: `Nothing is served at ${request.method} ${pathOf(request)}; ${overview}`
    })
    : respond(405, {
      _tag: "MethodNotAllowed",
      message: `${pathOf(request)} takes ${allowed.join(", ")}, not ${request.method}`
    }, { allow: allowed.join(", ") })
