import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import type * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Semaphore from "effect/Semaphore"
import { Resolver } from "node:dns/promises"
import { classify } from "../services/DeliveryError.ts"
import { Environment } from "../services/Environment.ts"
import * as Health from "../services/Health.ts"
import { inTurns, type Located } from "../services/Located.ts"
import { Locator, LocatorError } from "../services/Locator.ts"
import type { AwsOptions } from "./AwsOptions.ts"
import type * as CloudFormation from "./CloudFormation.ts"

/**
 * One way to find a service; what it fails with is said to whoever asked.
 *
 * @category models
 * @since 1.1.0
 */
export interface Source {
  readonly name: string
  readonly look: Effect.Effect<Located, string, Environment>
}

const settingTtl = Duration.seconds(30)
const outputTtl = Duration.minutes(5)
const shortestTtl = Duration.seconds(1)
const longestTtl = Duration.minutes(5)
const retryAfter = Duration.seconds(5)
const patience = Duration.seconds(1)

/**
 * A coded address.
 *
 * @category sources
 * @since 1.1.0
 */
export const address = (url: string): Source => ({
  name: `the address ${url}`,
  look: Effect.succeed({ urls: [url], ttl: longestTtl })
})

/**
 * An app's own setting, see `configProvider`: `setting("StockUrl")` is the variable `STOCK_URL`, a tag or an output of
 * this service's stack.
 *
 * @category sources
 * @since 1.1.0
 */
export const setting = (name: string): Source => ({
  name: `the setting ${name}`,
  look: Config.NonEmptyString(name).pipe(
    Effect.mapBoth({
      onFailure: () => "it is not set",
      onSuccess: (url) => ({ urls: [url], ttl: settingTtl })
    })
  )
})

/**
 * An output of another CloudFormation stack.
 *
 * @category sources
 * @since 1.1.0
 */
export const output = (stack: string, name: string): Source => ({
  name: `the output ${name} of stack ${stack}`,
  look: askCloudFormation(
    async ({ outputsOf }, options, signal) => (await outputsOf(stack, options, signal))[name],
    "the stack has no such output"
  )
})

/**
 * An output that some stack of this account exports, by the name of the export. `output` takes fewer permissions.
 *
 * @category sources
 * @since 1.1.0
 */
export const exported = (name: string): Source => ({
  name: `the export ${name}`,
  look: askCloudFormation(({ exportOf }, options, signal) => exportOf(name, options, signal), "no stack exports it")
})

const askCloudFormation = (
  question: (
    cloudFormation: typeof CloudFormation,
    options: AwsOptions,
    signal: AbortSignal
  ) => Promise<string | undefined>,
  otherwise: string
) =>
  Effect.gen(function*() {
    const { region } = yield* Environment
    const url = yield* Effect.tryPromise({
      try: async (signal) => question(await import("./CloudFormation.ts"), { region }, signal),
      catch: (cause) => classify(cause).message
    })
    return url === undefined ? yield* Effect.fail(otherwise) : { urls: [url], ttl: outputTtl }
  })

/**
 * A DNS name with A records, all on one port.
 *
 * @category sources
 * @since 1.1.0
 */
export const host = (name: string, port: number, servers?: ReadonlyArray<string>): Source => ({
  name: `the host ${name}`,
  look: Effect.map(addressesOf(name, resolverOf(servers)), ({ addresses, ttl }) => ({
    urls: addresses.map((address) => `http://${address}:${port}`),
    ttl
  }))
})

/**
 * A DNS name with SRV records, as Cloud Map, Consul and Kubernetes have them. They are believed as long as the addresses
 * of their targets.
 *
 * @category sources
 * @since 1.1.0
 */
export const srv = (name: string, servers?: ReadonlyArray<string>): Source => ({
  name: `the SRV records of ${name}`,
  look: Effect.gen(function*() {
    const resolver = resolverOf(servers)
    const records = inTurns(yield* ask(() => resolver.resolveSrv(name)))
    const targets = new Map(
      yield* Effect.forEach(
        new Set(records.map(({ name }) => name)),
        (name) => Effect.map(addressesOf(name, resolver), (found) => [name, found] as const),
        { concurrency: "unbounded" }
      )
    )
    return {
      urls: records.flatMap(({ name, port }) =>
        targets.get(name)?.addresses.map((address) => `http://${address}:${port}`) ?? []
      ),
      ttl: [...targets.values()].map(({ ttl }) => ttl).reduce(Duration.min, longestTtl)
    }
  })
})

const resolverOf = (servers: ReadonlyArray<string> | undefined) => {
  const resolver = new Resolver({ timeout: 2_000, tries: 2 })
  if (servers !== undefined) resolver.setServers(servers)
  return resolver
}

const ask = <A>(question: () => Promise<A>) =>
  Effect.tryPromise({ try: question, catch: (cause) => cause instanceof Error ? cause.message : String(cause) })

const addressesOf = (name: string, resolver: Resolver) =>
  Effect.map(ask(() => resolver.resolve4(name, { ttl: true })), (records) => ({
    addresses: records.map(({ address }) => address),
    ttl: Duration.seconds(Math.min(...records.map(({ ttl }) => ttl)))
  }))

/**
 * Finds services by the given sources, the first that answers.
 *
 * **Details**
 *
 * Answers are believed for their time to live, of a second to 5 minutes, and given in turns. When no source answers any
 * more, the last answer goes on, for as long as it takes, and is looked for again every 5 seconds. A look that takes
 * longer than a second holds up nobody who has a last answer; that there is none is believed for a second.
 *
 * @category layers
 * @since 1.1.0
 * @example
 * ```ts
 * layer({ stock: [setting("StockUrl"), srv("_http._tcp.stock.internal"), address("http://localhost:8081")] })
 * ```
 */
export const layer = (
  services: Readonly<Record<string, ReadonlyArray<Source>>>
): Layer.Layer<Locator, never, Environment> =>
  Layer.effect(
    Locator,
    Effect.gen(function*() {
      const context = yield* Effect.context<Environment>()
      const finders = new Map(
        Object.entries(services).map(([service, sources]) => [service, makeFinder(service, sources)])
      )
      return {
        locate: (service) =>
          Effect.provideContext(
            finders.get(service) ??
              Effect.fail(
                new LocatorError({ service, message: `${service} has no sources: name them to Locator.layer` })
              ),
            context
          )
      }
    })
  )

const makeFinder = (service: string, sources: ReadonlyArray<Source>) => {
  const one = Semaphore.makeUnsafe(1)
  let urls: ReadonlyArray<string> = []
  let expiresAt = Number.NEGATIVE_INFINITY
  let failed: { readonly error: LocatorError; readonly until: number } | undefined
  let turn = 0

  const look = Effect.gen(function*() {
    const began = yield* Clock.currentTimeMillis
    if (began < expiresAt) return
    if (failed !== undefined && began < failed.until) return yield* failed.error
    const reasons: Array<string> = []
    for (const { look, name } of sources) {
      const found = yield* Effect.result(look)
      if (Result.isSuccess(found) && found.success.urls.length > 0) {
        urls = found.success.urls
        expiresAt = (yield* Clock.currentTimeMillis) +
          Duration.toMillis(Duration.clamp(found.success.ttl, { minimum: shortestTtl, maximum: longestTtl }))
        return
      }
      reasons.push(`${name}: ${Result.isFailure(found) ? found.failure : "it has no address"}`)
    }
    const now = yield* Clock.currentTimeMillis
    if (urls.length === 0) {
      const message = `nobody knows where ${service} is. ${reasons.join("; ")}`
      failed = { error: new LocatorError({ service, message }), until: now + Duration.toMillis(patience) }
      return yield* failed.error
    }
    if (expiresAt !== now) yield* Effect.logWarning(`${service} is where it was: nobody says where it is now`, reasons)
    expiresAt = now + Duration.toMillis(retryAfter)
  })

  const lookAgain = Effect.gen(function*() {
    const looking = yield* Effect.forkDetach(Semaphore.withPermitsIfAvailable(one, 1)(look))
    yield* Effect.timeoutOption(Fiber.await(looking), patience)
  })

  return Effect.gen(function*() {
    if ((yield* Clock.currentTimeMillis) >= expiresAt) {
      yield* urls.length === 0 ? Semaphore.withPermit(one, look) : lookAgain
    }
    turn = (turn + 1) % urls.length
    return urls[turn] ?? ""
  })
}

/**
 * A typed client of another service, found anew for each request.
 *
 * @category clients
 * @since 1.1.0
 * @example
 * ```ts
 * const { stock } = yield* client(StockApi, "stock")
 * ```
 */
export const client = <Id extends string, Groups extends HttpApiGroup.Constraint>(
  api: HttpApi.HttpApi<Id, Groups>,
  service: string
) =>
  Effect.gen(function*() {
    const { locate } = yield* Locator
    const http = yield* HttpClient.HttpClient
    return yield* HttpApiClient.makeWith(api, {
      httpClient: HttpClient.mapRequestEffect(
        http,
        (request) => Effect.map(locate(service), (url) => HttpClientRequest.prependUrl(request, url))
      )
    })
  }).pipe(Effect.provide(FetchHttpClient.layer))

/**
 * A dependency check: is the other service ready? Not critical unless told: without it this one still serves.
 *
 * @category clients
 * @since 1.1.0
 */
export const check = (
  service: string,
  options: { readonly critical?: boolean | undefined; readonly interval?: Duration.Input | undefined } = {}
): Layer.Layer<never, never, Health.Health | Locator> =>
  Health.check({
    name: service,
    critical: false,
    ...options,
    check: Effect.gen(function*() {
      const url = yield* Effect.flatMap(Locator, ({ locate }) => locate(service))
      const request = HttpClientRequest.prependUrl(HttpClientRequest.get("/readyz"), url)
      yield* Effect.flatMap(HttpClient.execute(request), HttpClientResponse.filterStatusOk)
    })
  }).pipe(Layer.provide(FetchHttpClient.layer))
