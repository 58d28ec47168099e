import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as HttpApi from "effect/http-api/HttpApi"
import type * as Etag from "effect/http/Etag"
import type * as HttpPlatform from "effect/http/HttpPlatform"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import type * as Path from "effect/Path"
import { hostname } from "node:os"
import { preferred } from "../services/Accept.ts"
import { BreakGlass } from "../services/BreakGlass.ts"
import { ServiceName, Version } from "../services/BuildInfo.ts"
import { Environment } from "../services/Environment.ts"
import { Health } from "../services/Health.ts"
import * as HealthDocument from "../services/HealthDocument.ts"
import { History } from "../services/History.ts"
import { HttpMetrics } from "../services/HttpMetrics.ts"
import { Ledger } from "../services/Ledger.ts"
import { Lifecycle } from "../services/Lifecycle.ts"
import * as LogLevels from "../services/LogLevels.ts"
import type { Logs } from "../services/Logs.ts"
import * as PrometheusText from "../services/PrometheusText.ts"
import { Recent } from "../services/Recent.ts"
import { Settings, SettingsReport } from "../services/Settings.ts"
import * as AccessLog from "./AccessLog.ts"
import * as AdminGuard from "./AdminGuard.ts"
import * as Listener from "./Listener.ts"
import * as LogLevelRoutes from "./LogLevelRoutes.ts"
import * as LogTail from "./LogTail.ts"
import { Metrics } from "./Metrics.ts"
import * as Router from "./Router.ts"

/**
 * The admin listener, once it accepts connections. `announce` tells it where the operations are served, so that its page
 * can lead there.
 *
 * @category services
 * @since 1.1.0
 */
export class Admin extends Context.Service<Admin, {
  readonly url: string
  readonly announce: (serviceUrl: string) => void
  /** Everything it serves; the service listener serves none of it. */
  readonly routes: ReadonlyArray<{ readonly method: string; readonly path: string }>
}>()("keelson/layers/Admin") {}

// People and their tools: a bound of its own, whatever the service has under way.
const maxInFlight = 100

const debugPaths = [
  "/debug/pprof",
  "/debug/pprof/*",
  "/debug/fibers",
  "/debug/trace",
  "/debug/eventloop",
  "/debug/handles"
] as const

const headers = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  vary: "accept"
}

const debugRoute = (path: `/${string}`): Router.SystemRoute => ({
  path,
  quiet: true,
  respond: (request) =>
    Effect.flatMap(Effect.promise(() => import("./DebugRoutes.ts")), ({ respond }) => respond(request))
})

/**
 * Serves the diagnostics on their own listener, on loopback unless told otherwise.
 *
 * **Details**
 *
 * `/` and `/health` are the full health document: a page where HTML is accepted, `application/health+json` otherwise.
 * `/logs` is the last lines, or with `?follow` all from then on, `/loglevel` the log levels, to be changed too. `/metrics`
 * is Prometheus text, OpenMetrics where that is asked for, `/settings` where each setting came from, `/ledger` what became
 * of every log event and metric datum that was offered to AWS. `AdminGuard` says who is refused.
 *
 * @category layers
 * @since 1.1.0
 */
export const layer: Layer.Layer<
  Admin,
  Listener.ListenError | Router.RouteConflict,
  | BreakGlass
  | Environment
  | Health
  | History
  | HttpMetrics
  | Ledger
  | Lifecycle
  | Logs
  | Metrics
  | Recent
  | Etag.Generator
  | FileSystem.FileSystem
  | HttpPlatform.HttpPlatform
  | Path.Path
> = Layer.effect(
  Admin,
  Effect.gen(function*() {
    const service = yield* ServiceName
    const version = yield* Version
    const settings = yield* Settings
    const lifecycle = yield* Lifecycle
    const health = yield* Health
    const recent = yield* Recent
    const ledger = yield* Ledger
    const found = yield* SettingsReport
    const history = yield* History
    const logs = yield* LogTail.make
    let serviceUrl: string | undefined
    const metrics = yield* Metrics
    const levels = yield* LogLevels.LogLevels
    const breakGlass = yield* BreakGlass
    const { instance, kind } = yield* Environment
    const observe = yield* AccessLog.make(yield* HttpMetrics)
    const startedAt = yield* Clock.currentTimeMillis

    const documentOf = (now: number, operations: HealthDocument.Parts["operations"]) =>
      HealthDocument.make({
        service,
        version,
        environment: kind,
        instance,
        state: lifecycle.state(),
        startedAt,
        now,
        report: health.report(),
        armed: breakGlass.armed(),
        ledger: ledger.accounts(),
        logLevel: LogLevels.toJson(levels.state()),
        logs: recent.logs.values(),
        metrics: recent.metrics.values(),
        operations
      })

    const full = (request: HttpServerRequest.HttpServerRequest) =>
      Effect.gen(function*() {
        const view = history.view()
        const document = documentOf(yield* Clock.currentTimeMillis, view.operations)
        if (!prefersHtml(request.headers["accept"])) {
          return HttpServerResponse.text(JSON.stringify(document), {
            status: document.status === "fail" ? 503 : 200,
            contentType: "application/health+json",
            headers
          })
        }
        const { contentSecurityPolicy, render } = yield* Effect.promise(() => import("../services/AdminPage.ts"))
        return HttpServerResponse.text(render({ document, history: view, settings: found, serviceUrl }), {
          contentType: "text/html; charset=utf-8",
          headers: { ...headers, "content-security-policy": contentSecurityPolicy }
        })
      })

    const routes: ReadonlyArray<Router.SystemRoute> = [
      { path: "/", quiet: true, respond: full },
      { path: "/health", quiet: true, respond: full },
      {
        path: "/version",
        quiet: true,
        respond: () =>
          HttpServerResponse.text(JSON.stringify({ Version: version }), { contentType: "application/json", headers })
      },
      { path: "/logs", quiet: true, respond: logs.respond },
      {
        path: "/settings",
        quiet: true,
        respond: () => HttpServerResponse.text(JSON.stringify(found), { contentType: "application/json", headers })
      },
      {
        path: "/ledger",
        quiet: true,
        respond: () =>
          HttpServerResponse.text(JSON.stringify({ accounts: ledger.accounts() }), {
            contentType: "application/json",
            headers
          })
      },
      ...LogLevelRoutes.make(levels, headers),
      // pprof posts the addresses of a profile that it asked for as text: that changes nothing.
      debugRoute("/debug/pprof/symbol"),
      { ...debugRoute("/debug/pprof/symbol"), method: "POST", changes: false },
      ...debugPaths.map(debugRoute),
      {
        path: "/debug/heapsnapshot",
        quiet: false,
        present: () => breakGlass.armed() !== undefined,
        respond: (request) =>
          Effect.flatMap(Effect.promise(() => import("./HeapSnapshot.ts")), ({ respond }) => respond(request))
      },
      ...(["arm", "disarm"] as const).map((name) => ({
        method: "POST" as const,
        path: `/debug/${name}` as const,
        quiet: false,
        respond: (request: HttpServerRequest.HttpServerRequest) =>
          Effect.flatMap(Effect.promise(() => import("./ArmRoutes.ts")), (routes) => routes[name](request, breakGlass))
      })),
      {
        path: "/metrics",
        quiet: true,
        respond: (request) => {
          const format = PrometheusText.accepted(request.headers["accept"])
          return Effect.map(
            format === "openmetrics" ? metrics.openMetrics : metrics.prometheus,
            (text) => HttpServerResponse.text(text, { contentType: PrometheusText.contentTypes[format], headers })
          )
        }
      }
    ]
    const bound = { host: settings.adminHost, names: [...settings.adminNames, hostname().toLowerCase()] }
    const listener = yield* Listener.open({
      name: "admin",
      host: settings.adminHost,
      port: settings.adminPort,
      portSetting: "admin-port",
      router: yield* Router.make({
        api: HttpApi.make("admin"),
        observe: (route) => observe({ ...route, operation: `admin${route.path}` }),
        system: routes.map(AdminGuard.locked)
      }),
      draining: () => lifecycle.state() !== "ready" && lifecycle.state() !== "starting",
      unmatched: observe({ method: AccessLog.anyMethod, path: "*", operation: "admin/unmatched", quiet: true }),
      refused: observe({ method: AccessLog.anyMethod, path: "*", operation: "admin/refused", quiet: false }),
      guard: AdminGuard.make(bound),
      maxBody: settings.maxBody,
      maxInFlight,
      requestTimeout: settings.requestTimeout,
      exempt: new Set()
    })
    yield* Effect.addFinalizer(() => Effect.andThen(logs.end, listener.close(Duration.millis(500))))
    return {
      url: listener.url,
      routes: routes.map(({ method = "GET", path }) => ({ method, path })),
      announce: (url) => {
        serviceUrl = url
      }
    }
  })
)

const prefersHtml = (accept: string | undefined) =>
  preferred(accept, ["text/html", "application/health+json", "application/json"]) === "text/html"
