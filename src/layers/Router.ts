import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as FileSystem from "effect/FileSystem"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import type * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import type * as Etag from "effect/http/Etag"
import type * as FindMyWay from "effect/http/FindMyWay"
import type * as HttpPlatform from "effect/http/HttpPlatform"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Path from "effect/Path"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import { IncomingMessage } from "node:http"
import { DebugLines, type RequestLines } from "../services/DebugLines.ts"
import * as TraceContext from "../services/TraceContext.ts"
import * as HttpErrors from "./HttpErrors.ts"
import { isObserved, type ObservedOperation, type ObservedResponse } from "./ObservedResponse.ts"
import type { ReflectedEndpoint } from "./OperationCodec.ts"
import * as OperationGroup from "./OperationGroup.ts"
import * as OperationRoute from "./OperationRoute.ts"
import * as RawHeader from "./RawHeader.ts"
import * as RequestBody from "./RequestBody.ts"
import * as RouteTable from "./RouteTable.ts"

/**
 * A route of the chassis beside the operations: probes, version, documents.
 *
 * @category models
 * @since 1.1.0
 */
export interface SystemRoute {
  /** GET unless said. */
  readonly method?: "GET" | "POST" | "DELETE" | undefined
  /** Whether it changes something; what is no GET does unless said. */
  readonly changes?: boolean | undefined
  readonly path: `/${string}`
  readonly quiet: boolean
  /** While it is false, nothing is served there. */
  readonly present?: (() => boolean) | undefined
  readonly respond: (
    request: HttpServerRequest.HttpServerRequest
  ) => HttpServerResponse.HttpServerResponse | Effect.Effect<HttpServerResponse.HttpServerResponse>
}

/**
 * An operation and a chassis route, or two operations, answer at the same method and path.
 *
 * @category errors
 * @since 1.1.0
 */
export class RouteConflict extends Schema.TaggedError<RouteConflict>()("RouteConflict", {
  message: Schema.String
}) {}

/**
 * Everything a listener serves, as one effect per request.
 *
 * @category models
 * @since 1.1.0
 */
export type HttpEffect = Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  unknown,
  HttpServerRequest.HttpServerRequest | Scope.Scope
>

/**
 * What a listener answers requests with.
 *
 * `begin` answers what needs no fiber; every other request it hands to `otherwise`, to go on with `httpEffect`.
 *
 * @category models
 * @since 1.1.0
 */
export interface Router {
  readonly httpEffect: HttpEffect
  readonly begin: (
    request: IncomingMessage,
    response: ObservedResponse,
    otherwise: (request: IncomingMessage, response: ObservedResponse) => void
  ) => void
}

interface Route {
  readonly observed: ObservedOperation
  readonly present?: (() => boolean) | undefined
  readonly begin: OperationRoute.OperationRoute["begin"]
  readonly run: (
    request: HttpServerRequest.HttpServerRequest,
    found: Found
  ) => Effect.Effect<HttpServerResponse.HttpServerResponse, unknown, unknown> | undefined
  /** What an operation that compiles is to Effect's own router. */
  readonly stock?: HttpRouter.Route | undefined
  readonly report?: OperationRoute.OperationRoute["report"] | undefined
}

type Found = FindMyWay.FindResult<Route>

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"]

/**
 * Builds the effect that serves `api` and the chassis' own routes.
 *
 * **Details**
 *
 * Each request gets its trace context (continued from `traceparent`, or new) as parent span. Operations that compile
 * (see `OperationRoute`) run straight; the others go through Effect's own router. `HEAD` is answered as `GET`.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = <Id extends string, Groups extends HttpApiGroup.Constraint>(options: {
  readonly api: HttpApi.HttpApi<Id, Groups>
  readonly system: ReadonlyArray<SystemRoute>
  readonly observe: (
    route: { readonly method: string; readonly path: string; readonly operation: string; readonly quiet: boolean }
  ) => ObservedOperation
  /** Keeps the lines of a request below the log level. */
  readonly keepLines?: (() => RequestLines) | undefined
}): Effect.Effect<
  Router,
  RouteConflict,
  | HttpApiGroup.ToService<Id, Groups>
  | Etag.Generator
  | FileSystem.FileSystem
  | HttpPlatform.HttpPlatform
  | Path.Path
  | Scope.Scope
> =>
  Effect.gen(function*() {
    const general = (yield* HttpRouter.toHttpEffect(HttpApiBuilder.layer(options.api))) as HttpEffect
    const context = yield* Effect.context<never>()
    const traced = (yield* Tracer.Tracer) !== Tracer.nativeTracer
    const router = RouteTable.make<Route>(yield* HttpRouter.RouterConfig)
    const owners = new Map<string, string>()
    const add = (method: string, path: `/${string}`, owner: string, route: Route): RouteConflict | undefined => {
      const key = `${method} ${path}`
      const other = owners.get(key)
      if (other !== undefined) {
        return new RouteConflict({ message: `${owner} and ${other} both answer ${key}; give one of them another path` })
      }
      owners.set(key, owner)
      router.on(method, path, route)
      return undefined
    }

    const conflicts: Array<RouteConflict | undefined> = options.system.map((
      { method = "GET", path, present, quiet, respond }
    ) =>
      add(method, path, "the chassis", {
        observed: options.observe({ method, path, operation: path.slice(1), quiet }),
        present,
        begin: undefined,
        run: (request) => {
          const response = respond(request)
          return HttpServerResponse.isHttpServerResponse(response)
            ? Exit.succeed(response)
            : Effect.interruptible(response)
        }
      })
    )
    HttpApi.reflect(options.api, {
      onGroup: () => {},
      onEndpoint: (reflected) => {
        const { endpoint, group } = reflected as unknown as ReflectedEndpoint
        const operation = group.topLevel ? endpoint.identifier : `${group.identifier}.${endpoint.identifier}`
        const captured = OperationGroup.captured(context, group)
        const route = captured === undefined
          ? undefined
          : OperationRoute.compile(reflected as unknown as ReflectedEndpoint, captured, context)
        const stock = OperationGroup.routeOf(context, group, endpoint)
        conflicts.push(add(endpoint.method, (stock?.path ?? endpoint.path) as `/${string}`, operation, {
          observed: options.observe({ method: endpoint.method, path: endpoint.path, operation, quiet: false }),
          begin: traced ? undefined : route?.begin,
          run: (request, found) => route?.run(request, found.params, found.searchParams),
          stock,
          report: route?.report
        }))
      }
    })
    const conflict = conflicts.find((conflict) => conflict !== undefined)
    if (conflict !== undefined) return yield* conflict

    const overview = owners.has("GET /openapi.json")
      ? "/openapi.json lists the operations"
      : "/ links to what there is"
    const allowed = ({ url }: HttpServerRequest.HttpServerRequest) =>
      methods.filter((method) => isPresent(router.find(method, url)))

    const find = (request: HttpServerRequest.HttpServerRequest): Found | undefined => {
      const found = router.find(request.method, request.url) ??
        (request.method === "HEAD" ? router.find("GET", request.url) : undefined)
      return isPresent(found) ? found : undefined
    }

    const run = (request: HttpServerRequest.HttpServerRequest, found: Found | undefined): HttpEffect => {
      try {
        return (found?.handler.run(request, found) ?? general) as HttpEffect
      } catch (error) {
        return Exit.die(error)
      }
    }

    const httpEffect = Effect.withFiber((fiber) => {
      const request = Context.getUnsafe(fiber.context, HttpServerRequest.HttpServerRequest)
      const response = NodeHttpServerRequest.toServerResponse(request)
      const observed = isObserved(response) ? response : undefined
      const span = Context.getOrUndefined(fiber.context, Tracer.ParentSpan)
      const trace = span ?? observed?.trace ?? TraceContext.continued(headerOf(request, "traceparent"))
      if (observed !== undefined) observed.trace = trace
      const begun = observed?.begun as HttpEffect | undefined
      const found = begun === undefined ? find(request) : observed?.found as Found | undefined
      if (found !== undefined) observed?.observe(found.handler.observed)
      const effect = begun ?? run(request, found)
      if (Exit.isExit(effect) && Exit.isSuccess(effect)) return effect
      let context = fiber.context
      const { report, stock } = effect === general ? noRoute : found?.handler ?? noRoute
      if (found !== undefined && stock !== undefined) {
        context = Context.add(context, HttpServerRequest.ParsedSearchParams, found.searchParams)
        context = Context.add(context, HttpRouter.RouteContext, { params: found.params, route: stock })
      }
      if (span === undefined) {
        const { sampled, spanId, traceId } = trace
        const annotations = observed?.operation?.annotations
        context = Context.add(
          context,
          Tracer.ParentSpan,
          Tracer.externalSpan({ sampled, spanId, traceId, annotations })
        )
      }
      if (options.keepLines !== undefined && observed !== undefined) {
        observed.debugLines = options.keepLines()
        context = Context.add(context, DebugLines, observed.debugLines)
        context = Context.add(context, References.MinimumLogLevel, "All")
      }
      fiber.setContext(context)
      return Effect.catchCause(effect, (cause) => {
        const answered = HttpErrors.toResponse(cause, request, { allowed, overview, fiber: fiber.id })
        return report === undefined ? answered : Effect.andThen(report(cause), answered)
      })
    }) as HttpEffect

    const begin: Router["begin"] = (request, response, otherwise) => {
      const { method = "", url = "" } = request
      const found = router.find(method, url)
      const route = found?.handler
      if (found === undefined || route?.begin === undefined) return otherwise(request, response)
      response.observe(route.observed)
      response.found = found
      let begun: ReturnType<NonNullable<Route["begin"]>>
      try {
        begun = route.begin(request, response, found.params, found.searchParams)
      } catch (error) {
        begun = Exit.die(error)
      }
      if (typeof begun === "function") takeBody(begun, { request, response, otherwise })
      else if (isAnswered(response, begun)) RequestBody.passOver(request)
      else otherwise(request, response)
    }
    return { httpEffect, begin }
  })

interface Received {
  readonly request: IncomingMessage
  readonly response: ObservedResponse
  readonly otherwise: (request: IncomingMessage, response: ObservedResponse) => void
}

const takeBody = (
  answer: (body: string) => OperationRoute.Begun,
  { otherwise, request, response }: Received
): void => {
  const answerSafely = (body: string): OperationRoute.Begun => {
    try {
      return answer(body)
    } catch (error) {
      return Exit.die(error)
    }
  }
  RequestBody.take(
    request,
    (body) => isAnswered(response, answerSafely(body)),
    () => otherwise(request, response)
  )
}

const isAnswered = (response: ObservedResponse, begun: OperationRoute.Begun): boolean => {
  if (typeof begun === "object") response.begun = begun
  return begun === true
}

const noRoute: Pick<Route, "report" | "stock"> = {}

const isPresent = (found: Found | undefined): found is Found =>
  found !== undefined && found.handler.present?.() !== false

const headerOf = (request: HttpServerRequest.HttpServerRequest, name: string): string | undefined =>
  request.source instanceof IncomingMessage ? RawHeader.find(request.source.rawHeaders, name) : request.headers[name]
