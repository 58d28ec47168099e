import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { createServer, type IncomingMessage, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import * as ClientErrors from "./ClientErrors.ts"
import * as FreshConnections from "./FreshConnections.ts"
import * as Gate from "./Gate.ts"
import * as ListenAlone from "./ListenAlone.ts"
import * as ObservedResponse from "./ObservedResponse.ts"
import * as Pipelining from "./Pipelining.ts"
import * as Refusal from "./Refusal.ts"
import type { Router } from "./Router.ts"

/**
 * A listener could not take its address; the message says what to do.
 *
 * @category errors
 * @since 1.1.0
 */
export class ListenError extends Schema.TaggedError<ListenError>()("ListenError", {
  message: Schema.String,
  code: Schema.String
}) {}

/**
 * What a listener serves, and where.
 *
 * @category models
 * @since 1.1.0
 */
export interface Options extends Gate.Limits {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly portSetting: string
  /** File descriptor of a socket that listens already; `host` and `port` are then only told. */
  readonly inherited?: number | undefined
  readonly router: Router
  readonly draining: () => boolean
  readonly unmatched: ObservedResponse.ObservedOperation
  /** What was refused before its operation was known. */
  readonly refused: ObservedResponse.ObservedOperation
  /** How long a request, body included, may take to arrive; its headers have 20 seconds of it. */
  readonly requestTimeout: Duration.Duration
  /** Connections at a time; further ones are closed as they come. */
  readonly maxConnections?: number | undefined
}

/**
 * An open listener.
 *
 * @category models
 * @since 1.1.0
 */
export interface Listener {
  readonly url: string
  /**
   * Stops accepting, waits for the answers under way at most `deadline`, then cuts what is left. A handler that cannot be
   * interrupted is waited for a second more, and left behind.
   */
  readonly close: (deadline: Duration.Duration) => Effect.Effect<void>
}

// AWS load balancers reuse an idle connection for 60 s: ours must outlive that, or a request meets a closing socket.
const keepAliveTimeout = 65_000
const dropped = Metric.counter("keelson_connections_dropped_total", {
  description: "Connections closed because there were too many",
  incremental: true
})

const patience = "1 second"
const mostHeadersTimeout = 20_000
const mostCheckingInterval = 5000
const maxHeaderSize = 16 * 1024

/**
 * Opens an HTTP listener for the life of the scope; closing the scope without `close` cuts every connection.
 *
 * @category constructors
 * @since 1.1.0
 */
export const open = (options: Options): Effect.Effect<Listener, ListenError, Scope.Scope> =>
  Effect.gen(function*() {
    const load: Gate.Load = { active: 0 }
    const gate = Gate.make(options, load)
    const response = ObservedResponse.make({ ...options, load })
    const requestTimeout = Math.ceil(Duration.toMillis(options.requestTimeout))
    const server = createServer({
      ServerResponse: response,
      keepAliveTimeout,
      requestTimeout,
      headersTimeout: Math.min(requestTimeout, mostHeadersTimeout),
      connectionsCheckingInterval: Math.ceil(Math.min(requestTimeout / 4, mostCheckingInterval)),
      maxHeaderSize,
      // No flag of the process makes it lenient; a missing Host is answered like every other error.
      insecureHTTPParser: false,
      requireHostHeader: false,
      // The life of a stream without a body is a twelfth of what a small request costs; Node from 24.12 on can do without.
      optimizeEmptyRequests: true
    })
    // Node would leave out headers beyond a number without a word; their size bounds them.
    server.maxHeadersCount = 0
    if (options.maxConnections !== undefined) server.maxConnections = options.maxConnections
    const context = yield* Effect.context<never>()
    server.on("drop", () => dropped.updateUnsafe(1, context))
    const requests = yield* Effect.acquireRelease(Scope.make(), interrupt)
    const { begin, httpEffect } = options.router
    const handle = yield* NodeHttpServer.makeHandler(httpEffect, { scope: requests })
    const refuse = (request: IncomingMessage, response: ObservedResponse.ObservedResponse, why: Refusal.Refusal) => {
      response.observe(options.refused)
      response.begun = Refusal.respond(why)
      handle(request, response)
    }
    const serve = Pipelining.inTurn((request, response) => {
      const admitted = gate.admit(request)
      if (admitted === "sized") return begin(request, response, handle)
      if (admitted !== "unsized") return refuse(request, response, admitted)
      gate.limitBody(request, response)
      handle(request, response)
    })
    server.on("request", serve)
    server.on(
      "checkContinue",
      Pipelining.inTurn((request, response) => {
        const admitted = gate.admit(request)
        if (typeof admitted === "object") return refuse(request, response, admitted)
        response.writeContinue()
        if (admitted === "unsized") gate.limitBody(request, response)
        handle(request, response)
      })
    )
    server.on(
      "checkExpectation",
      Pipelining.inTurn((request, response) => {
        refuse(request, response, Refusal.expectation)
      })
    )
    const sparing = FreshConnections.watch(server)
    ClientErrors.answer(server, { response, refused: options.refused })
    const { port } = yield* Effect.acquireRelease(listen(server, options), () =>
      Effect.sync(() => {
        server.close()
        server.closeAllConnections()
      }))
    const closed = Effect.callback<void>((resume) => {
      sparing(() => server.close(() => resume(Effect.void)))
    })
    // A connection that turns idle after `close` is kept by Node until its timeout, so idle ones are closed repeatedly.
    const closeIdle = Effect.sync(() => sparing(() => server.closeIdleConnections())).pipe(
      Effect.repeat(Schedule.spaced("20 millis"))
    )
    return {
      url: `http://${reachable(options.host)}:${port}`,
      // An interrupted program closes its listeners: what waits here must run in a fiber of its own.
      close: (deadline) =>
        Effect.raceFirst(closed, closeIdle).pipe(
          Effect.timeoutOption(deadline),
          Effect.forkDetach,
          Effect.flatMap(Fiber.join),
          Effect.flatMap(Option.match({
            onSome: () => Effect.void,
            onNone: () =>
              Effect.logWarning(
                `the ${options.name} listener cut requests that took longer than ${Duration.format(deadline)}`
              )
          })),
          Effect.andThen(interrupt(requests)),
          Effect.flatMap((ended) =>
            ended ? Effect.void : Effect.logWarning(
              `the ${options.name} listener leaves handlers behind that cannot be interrupted and do not end`
            )
          )
        )
    }
  })

// What cannot be interrupted ends when it likes: the end of the process does not wait for it long.
const interrupt = (requests: Scope.Closeable): Effect.Effect<boolean> =>
  Effect.gen(function*() {
    const interrupted = yield* Effect.forkDetach(Scope.close(requests, Exit.void))
    return Option.isSome(yield* Effect.timeoutOption(Fiber.await(interrupted), patience))
  })

const reachable = (host: string) => host === "0.0.0.0" || host === "::" ? "localhost" : bracketed(host)

const bracketed = (host: string) => host.includes(":") ? `[${host}]` : host

const advice: Record<string, string> = {
  EADDRINUSE: "the port is in use; stop the other process or choose another port",
  EACCES: "this user may not listen there; choose a port above 1023",
  EADDRNOTAVAIL: "this machine has no such address",
  ENOTFOUND: "the host name is unknown"
}

const listen = (server: Server, { host, inherited, name, port, portSetting }: Options) =>
  Effect.callback<AddressInfo, ListenError>((resume) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const code = error.code ?? "unknown"
      resume(Effect.fail(
        new ListenError({
          code,
          message: inherited === undefined
            ? `The ${name} listener cannot take ${bracketed(host)}:${port} (--${portSetting}): ` +
              `${advice[code] ?? error.message} (${code})`
            : `The ${name} listener cannot take the socket it was handed (file descriptor ${inherited}): ${error.message}`
        })
      ))
    })
    server.once("listening", () => {
      server.removeAllListeners("error")
      resume(Effect.succeed(server.address() as AddressInfo))
    })
    // Without a host Node listens on `::`, on 0.0.0.0 where there is no IPv6.
    const address = host === "::" ? { port } : { host, port }
    ListenAlone.listen(server, inherited === undefined ? address : { fd: inherited })
  })
