import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { Health } from "../services/Health.ts"
import type { Lifecycle } from "../services/Lifecycle.ts"
import type { SystemRoute } from "./Router.ts"

/**
 * Where the probes are.
 *
 * @category constants
 * @since 1.1.0
 */
export const paths: ReadonlySet<string> = new Set(["/livez", "/readyz", "/version", "/health"])

const noStore = { "cache-control": "no-store" }

const text = (body: string, status: number) => HttpServerResponse.text(body, { status, headers: noStore })

/**
 * The probes of the service listener: `/livez`, `/readyz`, `/version` and the short `/health`.
 *
 * **Details**
 *
 * `/livez` answers without looking at anything. `/readyz` follows the lifecycle alone: a dependency that is down for
 * every instance must not take all of them from the load balancer. `/health` is 503 when a critical check fails.
 *
 * @category routes
 * @since 1.1.0
 */
export const make = (options: {
  readonly version: string
  readonly health: Health["Service"]
  readonly lifecycle: Lifecycle["Service"]
}): ReadonlyArray<SystemRoute> => {
  const live = text("ok\n", 200)
  const ready = text("ready\n", 200)
  const version = HttpServerResponse.text(JSON.stringify({ Version: options.version }), {
    contentType: "application/json",
    headers: noStore
  })
  const short = (status: "pass" | "warn" | "fail") =>
    HttpServerResponse.text(JSON.stringify({ status, releaseId: options.version }), {
      status: status === "fail" ? 503 : 200,
      contentType: "application/health+json",
      headers: noStore
    })
  return [
    { path: "/livez", quiet: true, respond: () => live },
    {
      path: "/readyz",
      quiet: true,
      respond: () => {
        const state = options.lifecycle.state()
        return state === "ready" ? ready : text(`${state}\n`, 503)
      }
    },
    { path: "/version", quiet: true, respond: () => version },
    { path: "/health", quiet: true, respond: () => short(options.health.status()) }
  ]
}
