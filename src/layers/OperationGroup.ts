import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import type * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import type * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import type * as HttpRouter from "effect/http/HttpRouter"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Scope from "effect/Scope"

/**
 * What a handler is called with: the decoded slots of one request.
 *
 * @category models
 * @since 1.1.0
 */
export interface OperationInput {
  readonly request: HttpServerRequest.HttpServerRequest
  readonly endpoint: HttpApiEndpoint.Top
  readonly group: HttpApiGroup.Top
  readonly params: unknown
  readonly headers: unknown
  readonly query: unknown
  readonly payload: unknown
}

/**
 * A handler as it was given to {@link group}.
 *
 * @category models
 * @since 1.1.0
 */
export interface CapturedHandler {
  readonly handle: (input: OperationInput) => Effect.Effect<unknown, unknown, unknown>
  readonly uninterruptible: boolean
}

/**
 * The handlers of one group with the services they were built with.
 *
 * @category models
 * @since 1.1.0
 */
export interface CapturedGroup {
  readonly handlers: ReadonlyMap<string, CapturedHandler>
  readonly context: Context.Context<never>
}

const keyOf = (group: { readonly key: string }) =>
  Context.Service<CapturedGroup>(`keelson/layers/OperationGroup/${group.key}`)

/**
 * The captured handlers of `group`, when its layer was made by {@link group}.
 *
 * @category getters
 * @since 1.1.0
 */
export const captured = (
  context: Context.Context<never>,
  group: { readonly key: string }
): CapturedGroup | undefined => Context.getOrUndefined(context, keyOf(group))

/**
 * What Effect's own router has of an endpoint: its path is written as that router reads it.
 *
 * @category getters
 * @since 1.1.0
 */
export const routeOf = (
  context: Context.Context<never>,
  group: { readonly key: string },
  endpoint: HttpApiEndpoint.Top
): HttpRouter.Route | undefined => {
  const { handlers, routes } = context.mapUnsafe.get(group.key) as StockGroup
  return routes[[...handlers.keys()].indexOf(endpoint.identifier)]
}

/**
 * Implements the operations of one group: a drop-in for `HttpApiBuilder.group` with the same arguments and types.
 *
 * **Details**
 *
 * It remembers the handlers, so that the service listener can call them without the general request machinery.
 * Groups made by `HttpApiBuilder.group` serve the same answers, at a higher cost per request.
 *
 * @category layers
 * @since 1.1.0
 * @example
 * ```ts
 * const Greetings = group(Api, "greetings", (handlers) =>
 *   handlers.handle("greet", ({ params }) => Effect.succeed({ message: `Hello, ${params.name}!` })))
 * ```
 */
export const group = <
  ApiId extends string,
  Groups extends HttpApiGroup.Constraint,
  const Identifier extends HttpApiGroup.Identifier<Groups>,
  Return
>(
  api: HttpApi.HttpApi<ApiId, Groups>,
  identifier: Identifier,
  build: (
    handlers: HttpApiBuilder.Handlers.FromGroup<HttpApiGroup.WithIdentifier<Groups, Identifier>>
  ) => HttpApiBuilder.Handlers.ValidateReturn<Return>
): Layer.Layer<
  HttpApiGroup.Service<ApiId, Identifier>,
  HttpApiBuilder.Handlers.Error<Return>,
  Exclude<HttpApiBuilder.Handlers.Context<Return>, Scope.Scope>
> =>
  Layer.effectContext(Effect.gen(function*() {
    const context = yield* Effect.context<Exclude<HttpApiBuilder.Handlers.Context<Return>, Scope.Scope>>()
    const handlers = new Map<string, CapturedHandler>()
    const built = yield* Layer.build(
      HttpApiBuilder.group<ApiId, Groups, Identifier, Return>(
        api,
        identifier,
        (stock) => build(recording(stock, handlers))
      )
    )
    const key = keyOf(api.groups[identifier as string as keyof typeof api.groups] as HttpApiGroup.Constraint)
    return Context.add(built, key, { handlers, context: Context.omit(Scope.Scope)(context) as Context.Context<never> })
  }))

const recording = <H extends object>(stock: H, handlers: Map<string, CapturedHandler>): H => {
  const target = stock as H & StockHandlers
  const record = (identifier: string, entry: unknown) => {
    const handle = Predicate.isFunction(entry) ? entry : (entry as HandlerEntry).handler
    const options = Predicate.isFunction(entry) ? undefined : (entry as HandlerEntry).options
    handlers.set(identifier, {
      handle: handle as CapturedHandler["handle"],
      uninterruptible: options?.uninterruptible ?? false
    })
  }
  const recorder: StockHandlers = Object.assign(Object.create(stock) as StockHandlers, {
    handle(identifier: string, handler: unknown, options?: HandlerEntry["options"]) {
      record(identifier, { handler, options })
      target.handle.call(recorder, identifier, handler, options)
      return recorder
    },
    handleAll(entries: Record<string, unknown>) {
      for (const [identifier, entry] of Object.entries(entries)) record(identifier, entry)
      target.handleAll.call(recorder, entries)
      return recorder
    }
  })
  return recorder as unknown as H
}

interface StockGroup {
  readonly routes: ReadonlyArray<HttpRouter.Route>
  readonly handlers: ReadonlyMap<string, unknown>
}

interface HandlerEntry {
  readonly handler: unknown
  readonly options: { readonly uninterruptible?: boolean | undefined } | undefined
}

interface StockHandlers {
  handle(identifier: string, handler: unknown, options?: HandlerEntry["options"]): unknown
  handleAll(entries: Record<string, unknown>): unknown
}
