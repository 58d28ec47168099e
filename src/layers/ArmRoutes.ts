import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { isLoopback } from "../services/AdminAccess.ts"
import type { BreakGlass } from "../services/BreakGlass.ts"
import { duration } from "../services/SettingText.ts"
import * as Refusal from "./Refusal.ts"

type Request = HttpServerRequest.HttpServerRequest
type Answer = Effect.Effect<HttpServerResponse.HttpServerResponse>

const headers = { "cache-control": "no-store", "x-content-type-options": "nosniff" }

/**
 * `POST /debug/arm?for=10m&reason=…`: lets the dangerous endpoints exist for a while, for a peer on this machine alone,
 * wherever the listener is bound.
 *
 * @category handlers
 * @since 1.1.0
 */
export const arm = (request: Request, breakGlass: BreakGlass["Service"]): Answer =>
  here(request, (peer) => {
    const { searchParams } = new URL(request.url, "http://localhost")
    const asked = duration(searchParams.get("for") ?? "")
    if (Result.isFailure(asked)) return Refusal.respond(refused(`for takes ${asked.failure}`))
    return breakGlass.arm({ duration: asked.success, reason: searchParams.get("reason") ?? "", peer }).pipe(
      Effect.map(({ reason, until }) =>
        HttpServerResponse.text(JSON.stringify({ armed: { until: new Date(until).toISOString(), reason } }), {
          contentType: "application/json",
          headers
        })
      ),
      Effect.catch(({ message }) => Refusal.respond(refused(message)))
    )
  })

/**
 * `POST /debug/disarm`: takes them away again, asked from this machine alone.
 *
 * @category handlers
 * @since 1.1.0
 */
export const disarm = (request: Request, breakGlass: BreakGlass["Service"]): Answer =>
  here(request, (peer) =>
    Effect.as(
      breakGlass.disarm(peer),
      HttpServerResponse.text(JSON.stringify({ armed: null }), { contentType: "application/json", headers })
    ))

const here = (request: Request, answer: (peer: string) => Answer): Answer => {
  const peer = Option.getOrElse(request.remoteAddress, () => "nobody")
  return isLoopback(peer) ? answer(peer) : Refusal.respond(elsewhere)
}

const refused = (message: string) => Refusal.make(400, { _tag: "ArmRefused", message }, headers)

const elsewhere = Refusal.make(403, {
  _tag: "Forbidden",
  message: "Arming is for who is on the machine: a shell there, or a tunnel that ends there"
}, headers)
