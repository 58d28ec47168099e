import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import { MaxBodySize } from "effect/http/HttpIncomingMessage"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as LogLevels from "../services/LogLevels.ts"
import type { SystemRoute } from "./Router.ts"

const longestBody = ByteSize.kibibytes(4)

/**
 * `/loglevel` of the admin listener: GET shows the levels, POST changes one for a while, DELETE ends changes.
 *
 * **Details**
 *
 * The parameters `level`, `for` and `name` are those of the query or of a body, a form or a JSON object.
 *
 * @category routes
 * @since 1.1.0
 */
export const make = (
  levels: LogLevels.Levels,
  headers: Readonly<Record<string, string>>
): ReadonlyArray<SystemRoute> => {
  const json = (status: number, body: unknown) =>
    HttpServerResponse.text(JSON.stringify(body), { status, contentType: "application/json", headers })
  const shown = Effect.sync(() => json(200, LogLevels.toJson(levels.state())))

  const apply = (request: HttpServerRequest.HttpServerRequest, asked: LogLevels.Asked) =>
    Effect.matchEffect(levels.apply(asked, addressOf(request)), {
      onFailure: ({ _tag, message }) => Effect.succeed(json(409, { _tag, message })),
      onSuccess: () => shown
    })

  const change = (ended: boolean) => (request: HttpServerRequest.HttpServerRequest) =>
    Effect.flatMap(Effect.result(parametersOf(request)), (parameters) => {
      const asked = Result.flatMap(
        Result.mapError(parameters, (problem) => [problem]),
        (given) => LogLevels.parse(ended ? { ...given, level: "default" } : given)
      )
      return Result.isFailure(asked)
        ? Effect.succeed(json(400, {
          _tag: "LogLevelRefused",
          message: asked.failure.join("; "),
          problems: asked.failure
        }))
        : apply(request, asked.success)
    })

  return [
    { path: "/loglevel", quiet: true, respond: () => shown },
    { path: "/loglevel", method: "POST", quiet: false, respond: change(false) },
    { path: "/loglevel", method: "DELETE", quiet: false, respond: change(true) }
  ]
}

const addressOf = (request: HttpServerRequest.HttpServerRequest): string =>
  Option.getOrElse(request.remoteAddress, () => "an unknown address")

const parametersOf = (
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<Readonly<Record<string, unknown>>, string> =>
  request.text.pipe(
    Effect.provideService(MaxBodySize, longestBody),
    Effect.mapError(() => "the body could not be read, or has more than 4 KiB"),
    Effect.flatMap((body) => {
      const query = new URL(request.url, "http://localhost").searchParams
      if (!(request.headers["content-type"] ?? "").includes("json")) {
        return Effect.succeed({ ...Object.fromEntries(query), ...Object.fromEntries(new URLSearchParams(body)) })
      }
      return Effect.map(
        Effect.try({ try: () => JSON.parse(body) as unknown, catch: () => "the body is no JSON object" }),
        (given) => ({ ...Object.fromEntries(query), ...(typeof given === "object" ? given : {}) })
      )
    })
  )
