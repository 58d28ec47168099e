import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import type * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { ServiceName, Version } from "../services/BuildInfo.ts"
import type { InitStep } from "../services/InitStep.ts"
import * as Lifecycle from "../services/Lifecycle.ts"
import * as MetricBounds from "../services/MetricBounds.ts"
import * as Operations from "../services/Operations.ts"
import { definitions } from "../services/SettingDefinitions.ts"
import type { SettingsError } from "../services/Settings.ts"
import type { Extension } from "../services/StackTemplate.ts"
import * as Admin from "./Admin.ts"
import { layerLive, type Microservice } from "./Chassis.ts"
import * as Crash from "./Crash.ts"
import type { Declared } from "./DeclaredSettings.ts"
import type { ListenError } from "./Listener.ts"
import type { RouteConflict } from "./Router.ts"
import * as RunMain from "./RunMain.ts"
import * as Server from "./Server.ts"
import { discover, type SettingsUnavailable } from "./Settings.ts"

export { layerLive, type Microservice, MicroserviceLive, MicroserviceMemory } from "./Chassis.ts"
export { group } from "./OperationGroup.ts"

/**
 * A service: its name, its operations and the layers that handle them.
 *
 * @category models
 * @since 1.1.0
 */
export interface Definition<Id extends string, Groups extends HttpApiGroup.Constraint, E = never> {
  readonly name: string
  readonly description?: string | undefined
  /**
   * The app's own settings, by name: checked before anything else is built, all problems at once, and listed with their
   * sources. A handler reads one with `yield*`.
   */
  readonly settings?: Declared | undefined
  /**
   * What `init` does on a machine before it installs the unit, by name and in this order.
   */
  readonly init?: Readonly<Record<string, InitStep<Microservice>>> | undefined
  /** Healthy ranges of the app's own metrics: each is an alarm of the stack, and makes the health `warn`. */
  readonly bounds?: ReadonlyArray<MetricBounds.MetricBound> | undefined
  /** What the stack has beside what every service's has: resources, outputs that are settings, permissions. */
  readonly stack?: Extension | undefined
  readonly api: HttpApi.HttpApi<Id, Groups>
  readonly handlers: Layer.Layer<HttpApiGroup.ToService<Id, Groups>, E, Microservice>
}

/**
 * Serves a definition on both listeners: ready once it accepts requests, drained when the scope closes.
 *
 * @category layers
 * @since 1.1.0
 * @example
 * ```ts
 * Layer.launch(layer({ name: "orders", api: Api, handlers: Handlers }).pipe(Layer.provide(MicroserviceLive)))
 * ```
 */
export const layer = <Id extends string, Groups extends HttpApiGroup.Constraint, E>(
  { api, handlers, name }: Definition<Id, Groups, E>
): Layer.Layer<
  Server.Server | Admin.Admin,
  E | ListenError | RouteConflict | Operations.OperationsError,
  Microservice
> =>
  Layer.effectContext(Effect.gen(function*() {
    // Operations are answered first, and what shows how they end is there until they have ended.
    const diagnostics = yield* Scope.make()
    yield* Effect.addFinalizer((exit) => Scope.close(diagnostics, exit))
    const serving = yield* Layer.build(Server.layer(api))
    const server = Context.get(serving, Server.Server)
    yield* turns
    yield* Effect.fromResult(Operations.reflect(api, Operations.commands))
    yield* turns
    const diagnosed = yield* Layer.buildWithScope(Admin.layer, diagnostics)
    const admin = Context.get(diagnosed, Admin.Admin)
    const version = yield* Version
    const lifecycle = yield* Lifecycle.Lifecycle
    admin.announce(server.url)
    yield* turns
    yield* lifecycle.advance("ready")
    yield* Effect.logInfo(`${name} ${version} is ready: service ${server.url} admin ${admin.url}`, {
      version,
      service_url: server.url,
      admin_url: admin.url
    })
    return Context.merge(serving, diagnosed)
  })).pipe(
    Layer.provide(handlers),
    Layer.provide(Layer.succeed(ServiceName, name))
  )

/**
 * A typed client of `api` that runs its operations in this process: routes, codecs and errors as over HTTP, no socket.
 *
 * @category testing
 * @since 1.1.0
 * @example
 * ```ts
 * it.effect("greets", () =>
 *   Effect.gen(function*() {
 *     const { greetings } = yield* client(Api)
 *     assert.deepStrictEqual(yield* greetings.greet({ params: { name: "you" } }), { message: "Hello, you!" })
 *   }).pipe(Effect.provide(Handlers.pipe(Layer.provideMerge(MicroserviceMemory)))))
 * ```
 */
export const client = <Id extends string, Groups extends HttpApiGroup.Constraint>(api: HttpApi.HttpApi<Id, Groups>) =>
  Effect.gen(function*() {
    const transport = yield* Server.transport(api)
    return yield* HttpApiClient.make(api, { baseUrl: "http://localhost" }).pipe(
      Effect.provide(FetchHttpClient.layer),
      Effect.provideService(FetchHttpClient.Fetch, (input, init) => transport(new Request(input, init)))
    )
  })

// The event loop accepts a connection in one turn, and reads what it asks in the next: who is there already does not wait
// for what only people look at.
const turns = Effect.repeat(Effect.yieldNow, { times: 2 })

// The command line costs a server a third of its start: a plain `serve --flag=value …` does without it, and what waits for it.
const plainFlags = (
  [command, ...args]: ReadonlyArray<string>,
  expected: string,
  known: ReadonlySet<string>
): Record<string, string> | undefined => {
  if (command !== expected) return undefined
  const flags: Record<string, string> = {}
  for (const arg of args) {
    const [, flag = "", value = ""] = /^--([a-z-]+)=(.*)$/s.exec(arg) ?? []
    if (!known.has(flag) || flag in flags) return undefined
    flags[flag] = value
  }
  return flags
}

const serveFlags = new Set(Object.values(definitions).map(({ flag }) => flag))
const waitReadyFlags = new Set(["timeout", "host", "port"])

/**
 * Serves a definition until it is interrupted; what ends it earlier is logged as one `FATAL` line.
 *
 * @category running
 * @since 1.1.0
 */
export const serve = <Id extends string, Groups extends HttpApiGroup.Constraint, E>(
  definition: Definition<Id, Groups, E>,
  flags: Readonly<Record<string, string | undefined>>
): Effect.Effect<never, SettingsError | SettingsUnavailable | StartFailed> =>
  Effect.flatMap(
    discover(flags, definition.settings),
    (discovered) =>
      Layer.launch(layer(definition)).pipe(
        Effect.catchCause((cause) =>
          Cause.hasInterruptsOnly(cause) ? Effect.failCause(cause as Cause.Cause<never>) : startFailed(cause)
        ),
        Effect.provide(Layer.provide(
          layerLive(discovered),
          Layer.mergeAll(
            Layer.succeed(ServiceName, definition.name),
            Layer.succeed(MetricBounds.Bounds, [...MetricBounds.common, ...definition.bounds ?? []])
          )
        ))
      )
  )

/**
 * The service could not start, or broke; the log has the cause.
 *
 * @category errors
 * @since 1.1.0
 */
export class StartFailed extends Schema.TaggedError<StartFailed>()("StartFailed", {
  cause: Schema.Defect()
}) {
  override readonly [Runtime.errorReported]: boolean = false
}

const startFailed = (cause: Cause.Cause<unknown>) => {
  const error = Cause.squash(cause)
  const known = Predicate.hasProperty(error, "_tag") && error instanceof Error
  return Effect.andThen(
    known ? Crash.tell(`${String(error._tag)}: ${error.message}`) : Crash.tell("the service broke", cause),
    Effect.fail(new StartFailed({ cause: error }))
  )
}

/**
 * Runs a service as this process's main program: the command line decides whether it serves or runs one operation.
 *
 * **Details**
 *
 * SIGTERM and SIGINT end a serving process with exit code 0 after the drain; a second one ends it at once.
 *
 * @category running
 * @since 1.1.0
 * @example
 * ```ts
 * run({ name: "orders", api: Api, handlers: Handlers })
 * ```
 */
export const run = <Id extends string, Groups extends HttpApiGroup.Constraint, E>(
  definition: Definition<Id, Groups, E>
): void => {
  const args = process.argv.slice(2)
  const flags = plainFlags(args, "serve", serveFlags)
  if (flags !== undefined) return RunMain.run(serve(definition, flags), { serving: true })
  const commandLine = async () => {
    const waiting = plainFlags(args, "wait-ready", waitReadyFlags)
    if (waiting !== undefined) {
      const { waitReady } = await import("./WaitReady.ts")
      return RunMain.run(waitReady(waiting, process.env), { serving: false })
    }
    if (args[0] === "health" && (await import("./HealthProbe.ts")).run(args.slice(1))) return
    const { run, runsUntilToldToEnd } = await import("./Cli.ts")
    RunMain.run(run(definition, args), { serving: runsUntilToldToEnd(args) })
  }
  void commandLine()
}
