import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as HttpApi from "effect/http-api/HttpApi"
import type * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import type * as Etag from "effect/http/Etag"
import * as HttpEffect from "effect/http/HttpEffect"
import type * as HttpPlatform from "effect/http/HttpPlatform"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import type * as Path from "effect/Path"
import { ServiceName, Version } from "../services/BuildInfo.ts"
import * as DebugLines from "../services/DebugLines.ts"
import { Health } from "../services/Health.ts"
import { HttpMetrics } from "../services/HttpMetrics.ts"
import { Lifecycle } from "../services/Lifecycle.ts"
import { Logs } from "../services/Logs.ts"
import { Settings } from "../services/Settings.ts"
import * as AccessLog from "./AccessLog.ts"
import * as Descriptors from "./Descriptors.ts"
import type * as Documents from "./Documents.ts"
import * as HealthRoutes from "./HealthRoutes.ts"
import * as InheritedSocket from "./InheritedSocket.ts"
import * as Listener from "./Listener.ts"
import * as Refusal from "./Refusal.ts"
import * as Router from "./Router.ts"

/**
 * The service listener, once it accepts connections.
 *
 * @category services
 * @since 1.1.0
 */
export class Server extends Context.Service<Server, {
  readonly url: string
}>()("keelson/layers/Server") {}

/**
 * Serves the operations of `api` with probes, version and documents, and drains when the scope closes.
 *
 * **Details**
 *
 * The end: not ready at once, serving goes on for the lameduck delay with `Connection: close`, then no new connection
 * is accepted and what is under way has until the shutdown deadline.
 *
 * @category layers
 * @since 1.1.0
 */
export const layer = <Id extends string, Groups extends HttpApiGroup.Constraint>(
  api: HttpApi.HttpApi<Id, Groups>
): Layer.Layer<
  Server,
  Listener.ListenError | Router.RouteConflict,
  | Health
  | HttpMetrics
  | Lifecycle
  | Logs
  | Etag.Generator
  | FileSystem.FileSystem
  | HttpPlatform.HttpPlatform
  | Path.Path
  | HttpApiGroup.ToService<Id, Groups>
> =>
  Layer.effect(
    Server,
    Effect.gen(function*() {
      const lifecycle = yield* Lifecycle
      const settings = yield* Settings
      const observe = yield* AccessLog.make(yield* HttpMetrics)
      const listener = yield* Listener.open({
        name: "service",
        host: settings.host,
        port: settings.port,
        portSetting: "port",
        inherited: InheritedSocket.take(),
        router: yield* router(api),
        draining: () => lifecycle.state() === "draining",
        unmatched: observe({ method: AccessLog.anyMethod, path: "*", operation: "unmatched", quiet: false }),
        refused: observe({ method: AccessLog.anyMethod, path: "*", operation: "refused", quiet: false }),
        maxBody: settings.maxBody,
        maxInFlight: settings.maxInFlight,
        requestTimeout: settings.requestTimeout,
        maxConnections: Descriptors.forConnections(),
        exempt: HealthRoutes.paths
      })
      const lameduck = Effect.logInfo("draining", { lameduck: Duration.format(settings.lameduck) }).pipe(
        Effect.andThen(Effect.sleep(settings.lameduck))
      )
      yield* Effect.addFinalizer(() =>
        Effect.suspend(() => {
          // Nobody was sent to a service that never was ready.
          const ready = lifecycle.state() === "ready"
          return lifecycle.advance("draining").pipe(
            Effect.andThen(ready ? lameduck : Effect.void),
            Effect.andThen(listener.close(settings.shutdownDeadline)),
            Effect.andThen(lifecycle.advance("stopped"))
          )
        })
      )
      return { url: listener.url }
    })
  )

/**
 * What the service listener serves, without a listener: the command line runs operations through the same effect.
 *
 * @category constructors
 * @since 1.1.0
 */
export const router = <Id extends string, Groups extends HttpApiGroup.Constraint>(api: HttpApi.HttpApi<Id, Groups>) =>
  Effect.gen(function*() {
    const version = yield* Version
    const observe = yield* AccessLog.make(yield* HttpMetrics)
    const { debugBuffer } = yield* Settings
    const { offer } = yield* Logs
    return yield* Router.make({
      api,
      observe,
      keepLines: debugBuffer ? DebugLines.make({ offer, context: yield* Effect.context<never>() }).begin : undefined,
      system: [
        ...HealthRoutes.make({ version, health: yield* Health, lifecycle: yield* Lifecycle }),
        ...documents(api, { title: yield* ServiceName, version })
      ]
    })
  })

/**
 * Answers web requests in this process, through the same routes as the listener and with its limit of bodies.
 *
 * @category constructors
 * @since 1.1.0
 */
export const transport = <Id extends string, Groups extends HttpApiGroup.Constraint>(
  api: HttpApi.HttpApi<Id, Groups>
) =>
  Effect.gen(function*() {
    const { httpEffect } = yield* router(api)
    const { maxBody } = yield* Settings
    const handle = HttpEffect.toWebHandlerWith(yield* Effect.context<never>())(httpEffect as WebEffect)
    return (request: Request): Promise<Response> =>
      new Promise((resolve, reject) => {
        let left = maxBody
        const body = request.body?.pipeThrough(
          new TransformStream<Uint8Array, Uint8Array>({
            transform: (chunk, controller) => {
              left -= chunk.byteLength
              if (left >= 0) return controller.enqueue(chunk)
              const { status, text } = Refusal.bodyTooLarge(maxBody)
              resolve(new Response(text, { status, headers: { "content-type": "application/json" } }))
              controller.error(new Error("the body is too large"))
            }
          })
        )
        handle(body === undefined ? request : new Request(request, { method: request.method, body, duplex: "half" }))
          .then(resolve, reject)
      })
  })

type WebEffect = Parameters<ReturnType<typeof HttpEffect.toWebHandlerWith<never>>>[0]

const documents = <Id extends string, Groups extends HttpApiGroup.Constraint>(
  api: HttpApi.HttpApi<Id, Groups>,
  about: { readonly title: string; readonly version: string }
): ReadonlyArray<Router.SystemRoute> => {
  let made: ReturnType<typeof Documents.make> | undefined
  const documents = Effect.promise(async () => made ??= (await import("./Documents.ts")).make(api, about))
  const answer = (which: "json" | "page", contentType: string) => () =>
    Effect.map(documents, (documents) => HttpServerResponse.text(documents[which], { contentType, headers }))
  return [
    { path: "/openapi.json", quiet: false, respond: answer("json", "application/json") },
    { path: "/docs", quiet: false, respond: answer("page", "text/html; charset=utf-8") }
  ]
}

const headers = {
  "cache-control": "no-cache",
  "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'"
}
