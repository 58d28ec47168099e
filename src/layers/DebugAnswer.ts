import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { FiberState } from "../services/FiberDump.ts"
import * as FiberDump from "./FiberDump.ts"
import type * as Profiler from "./Profiler.ts"

/**
 * What a request below `/debug/` came to.
 *
 * @category models
 * @since 1.1.0
 */
export type DebugAnswer = Effect.Effect<HttpServerResponse.HttpServerResponse, Refusal | Profiler.CaptureRefused>

/**
 * Gives a parameter of the request; an empty text where it has none.
 *
 * @category models
 * @since 1.1.0
 */
export type Ask = (name: string) => string

/**
 * What a refusal is in Go's handlers: a status and one line of text.
 *
 * @category errors
 * @since 1.1.0
 */
export class Refusal {
  readonly _tag = "Refusal"
  readonly status: number
  readonly message: string

  constructor(status: number, message: string) {
    this.status = status
    this.message = message
  }
}

/**
 * The headers of every answer: it is what it says it is, and nobody keeps it.
 *
 * @category constants
 * @since 1.1.0
 */
export const headers = { "x-content-type-options": "nosniff", "cache-control": "no-store" }

/**
 * The answer of a refusal, in Go's words.
 *
 * @category constructors
 * @since 1.1.0
 */
export const refused = (error: Refusal | Profiler.CaptureRefused): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(`${error.message}\n`, {
    status: error._tag === "Refusal" ? error.status : error.reason === "busy" ? 500 : 503,
    contentType: "text/plain; charset=utf-8",
    headers: { ...headers, "x-go-pprof": "1" }
  })

/**
 * An answer of indented JSON.
 *
 * @category constructors
 * @since 1.1.0
 */
export const json = (body: unknown): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(`${JSON.stringify(body, null, 2)}\n`, { contentType: "application/json", headers })

/**
 * The longest capture, in seconds.
 *
 * @category constants
 * @since 1.1.0
 */
export const mostSeconds = 120

/**
 * The refusal of a longer one, in Go's words.
 *
 * @category constants
 * @since 1.1.0
 */
export const tooLong = new Refusal(400, "profile duration exceeds server's WriteTimeout")

/**
 * Reads an integer as Go's `strconv.Atoi` does.
 *
 * @category conversions
 * @since 1.1.0
 */
export const integer = (text: string): number | undefined => /^[+-]?\d+$/.test(text) ? Number(text) : undefined

/**
 * How long a capture is to take, of the parameter `seconds`, and whether it is to be taken in spite of doubts, `force=1`.
 *
 * @category conversions
 * @since 1.1.0
 */
export const captureOptions = (ask: Ask, fallback: number): Effect.Effect<Profiler.CaptureOptions, Refusal> => {
  const asked = integer(ask("seconds")) ?? 0
  const seconds = asked <= 0 ? fallback : asked
  return seconds > mostSeconds
    ? Effect.fail(tooLong)
    : Effect.succeed({ duration: Duration.seconds(seconds), force: ask("force") === "1" })
}

/**
 * The fibers that are alive, or the refusal of a service that keeps no list of them.
 *
 * @category getters
 * @since 1.1.0
 */
export const fibers: Effect.Effect<ReadonlyArray<FiberState>, Refusal> = Effect.flatMap(
  FiberDump.take,
  (fibers) =>
    fibers === undefined
      ? Effect.fail(new Refusal(404, "no list of fibers is kept: start with --fibers=on"))
      : Effect.succeed(fibers)
)
