import { NodeServices } from "@effect/platform-node"
import { Context, Duration, Effect, Exit, Layer, Result, type Scope } from "effect"
import { Command } from "effect/cli"
import type { HttpApiBuilder } from "effect/http-api"
import { PassThrough, Readable } from "node:stream"
import * as Listener from "../../src/layers/Listener.ts"
import { MicroserviceMemory } from "../../src/layers/Microservice.ts"
import * as OperationCaller from "../../src/layers/OperationCaller.ts"
import * as OperationCommand from "../../src/layers/OperationCommand.ts"
import { group } from "../../src/layers/OperationGroup.ts"
import * as Server from "../../src/layers/Server.ts"
import * as Operations from "../../src/services/Operations.ts"
import { handlers, RichApi } from "./richApi.ts"

export const operations = Result.getOrThrow(Operations.reflect(RichApi, ["serve"]))

const silent = { annotations: Context.empty(), started: () => {}, finished: () => {} }

/** The rich service, without sockets, as a web handler. */
export const inProcess = (
  make: typeof HttpApiBuilder.group
): Effect.Effect<OperationCaller.Transport, never, Scope.Scope> =>
  Effect.gen(function*() {
    const context = yield* Layer.build(handlers(make).pipe(Layer.provideMerge(MicroserviceMemory)))
    return yield* Effect.provideContext(Server.transport(RichApi), context)
  }).pipe(Effect.orDie)

/** Opens a listener of the test's own on a real socket. */
export const open = (router: Listener.Options["router"]) =>
  Listener.open({
    name: "rich",
    host: "127.0.0.1",
    port: 0,
    portSetting: "port",
    router,
    draining: () => false,
    unmatched: silent,
    refused: silent,
    maxBody: 2 ** 20,
    maxInFlight: 1000,
    requestTimeout: Duration.minutes(1),
    exempt: new Set()
  })

/** The rich service on a real socket. */
export const listening: Effect.Effect<string, never, Scope.Scope> = Effect.gen(function*() {
  const context = yield* Layer.build(handlers(group).pipe(Layer.provideMerge(MicroserviceMemory)))
  const { url } = yield* Effect.provideContext(Effect.flatMap(Server.router(RichApi), open), context)
  return url
}).pipe(Effect.orDie)

export interface Run {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command line over the rich operations with an in-process transport. */
export const run = (
  args: ReadonlyArray<string>,
  transport: OperationCaller.Transport,
  stdin = "",
  terminal = false
): Effect.Effect<Run> =>
  Effect.gen(function*() {
    const text = { stdout: "", stderr: "" }
    const sink = (name: "stdout" | "stderr") => {
      const stream = new PassThrough()
      stream.setEncoding("utf8").on("data", (data) => text[name] += data)
      return stream
    }
    const stdout = sink("stdout")
    const stderr = sink("stderr")
    const commands = OperationCommand.make(
      operations,
      OperationCaller.make({
        inProcess: Effect.succeed(transport),
        output: { stdout: Object.assign(stdout, { isTTY: terminal }), stderr },
        stdin: Readable.from([Buffer.from(stdin)])
      })
    )
    const root = Command.make("rich").pipe(Command.withSubcommands(commands))
    const exit = yield* Effect.exit(Command.runWith(root, { version: "0", renderErrors: false })(args))
    const code = Exit.isSuccess(exit) ? 0 : exitCodeOf(exit)
    return { code, ...text }
  }).pipe(Effect.provide(NodeServices.layer))

const exitCodeOf = (exit: Exit.Failure<unknown, unknown>): number => {
  for (const reason of exit.cause.reasons) {
    if (reason._tag !== "Fail") continue
    return reason.error instanceof OperationCaller.OperationFailed ? reason.error.exitCode : 2
  }
  return 1
}
