import type * as Effect from "effect/Effect"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { IncomingMessage } from "node:http"
import * as AdminAccess from "../services/AdminAccess.ts"
import * as Refusal from "./Refusal.ts"
import type * as Router from "./Router.ts"

const headers = { "cache-control": "no-store", "x-content-type-options": "nosniff", connection: "close" }

/**
 * Refuses what must not reach the admin listener, whatever it asks for: a peer that is not on this machine, unless the
 * listener was bound elsewhere, and a `Host` that is not its own.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = (bound: AdminAccess.Bound) => (request: IncomingMessage): Refusal.Refusal | undefined =>
  !AdminAccess.allowsPeer(request.socket.remoteAddress, bound)
    ? notHere
    : hostsOf(request).every((host) => AdminAccess.allowsHost(host, bound))
    ? undefined
    : misdirected

const hostsOf = ({ headers: { host = "" }, url = "" }: IncomingMessage): ReadonlyArray<string> =>
  url.startsWith("/") || !URL.canParse(url) ? [host] : [host, new URL(url).host]

const notHere = Refusal.make(403, {
  _tag: "Forbidden",
  message: "This listener answers only to this machine; --admin-host opens it to others"
}, headers)

const misdirected = Refusal.make(421, {
  _tag: "MisdirectedRequest",
  message: "This listener answers only to its own address as Host; --admin-names gives it names where it is open"
}, headers)

/**
 * Gives every route its locks: what changes something takes the header that no web page can send here unasked, and what
 * a GET is enough to hold, a capture below `/debug/` or a place among those who follow the log, is for no page of another
 * site, if the browser says so.
 *
 * @category combinators
 * @since 1.1.0
 */
export const locked = (route: Router.SystemRoute): Router.SystemRoute => ({
  ...route,
  respond: (request): HttpServerResponse.HttpServerResponse | Effect.Effect<HttpServerResponse.HttpServerResponse> =>
    (route.changes ?? (route.method ?? "GET") !== "GET") && request.headers[AdminAccess.changeHeader] !== "1"
      ? Refusal.respond(headerless)
      : /^\/(debug\/|logs$)/.test(route.path) && request.headers["sec-fetch-site"] === "cross-site"
      ? Refusal.respond(foreign)
      : route.respond(request)
})

const headerless = Refusal.make(403, {
  _tag: "Forbidden",
  message: "What changes something takes the header X-Keelson: 1"
}, headers)

const foreign = Refusal.make(403, {
  _tag: "Forbidden",
  message: "No page of another site gets the log or what is below /debug/; type the address"
}, headers)
