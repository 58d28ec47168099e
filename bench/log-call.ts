/**
 * What a log call with five fields costs its caller: keelson into a sink that keeps nothing, and into the one that ships
 * to CloudWatch Logs, whose requests are answered at once; pino, winston and Effect's own JSON logger into a stream that
 * keeps nothing. All alternate in one process; medians, and the ratio to pino. Then what a line below the level costs:
 * with nothing changed, while a name has a level of its own, after that ended, and kept for a request that may fail.
 *
 * Run with `npm ci --prefix bench && node bench/log-call.ts`.
 */
import { Context, Duration, Effect, type Fiber, Layer, Logger, ManagedRuntime, References } from "effect"
import { performance } from "node:perf_hooks"
import { setImmediate as turn } from "node:timers/promises"
import * as FiberRegistry from "../src/layers/FiberRegistry.ts"
import * as KeelsonLogger from "../src/layers/Logger.ts"
import * as LogLevels from "../src/layers/LogLevels.ts"
import * as LogSinkCloudWatch from "../src/layers/LogSinkCloudWatch.ts"
import * as DebugLines from "../src/services/DebugLines.ts"
import * as Ledger from "../src/services/Ledger.ts"
import { LogLevels as Levels } from "../src/services/LogLevels.ts"
import * as Logs from "../src/services/Logs.ts"
import { LogSink } from "../src/services/LogSink.ts"
import * as Recent from "../src/services/Recent.ts"
import * as TraceContext from "../src/services/TraceContext.ts"
import { makePino, makeWinston } from "./log-peers.js"
import { median } from "./statistics.ts"
import { align } from "./table.ts"

const calls = 500
const rounds = 1_001
const warmUps = 200

let bytes = 0
const count = (more: number) => {
  bytes += more
}

const nullSink = Layer.succeed(LogSink, {
  offer: ({ line }) => count(line.length),
  dropped: () => 0,
  flush: Effect.void
})

/** Batches leave, and are acknowledged at once, between the rounds. */
const shippingSink = Layer.effect(
  LogSink,
  LogSinkCloudWatch.make({ group: "bench", stream: "bench" }, () =>
    Promise.resolve({
      put: (events) => {
        count(events.length)
        return Promise.resolve({ $metadata: { requestId: "bench" } })
      },
      createStream: () => Promise.reject(new Error("nothing is missing")),
      createGroup: () => Promise.reject(new Error("nothing is missing")),
      setRetention: () => Promise.resolve(),
      systemClockOffset: () => 0,
      skew: () => 0,
      close: () => {}
    }))
).pipe(Layer.provide(Ledger.layer))

const logging = (sink: Layer.Layer<LogSink>) =>
  KeelsonLogger.layer.pipe(
    Layer.provide(Logs.layer),
    Layer.provide([Recent.layer, sink])
  )

const keelson = logging(nullSink)
const formatJson = Logger.layer([Logger.map(Logger.formatJson, ({ length }) => count(length)), Logger.tracerLogger])
const silent = Logger.layer([])
const pino = makePino(count)
const winston = makeWinston(count)

const fields = (call: number) => ({
  "operation": "orders.get",
  "http.request.method": "GET",
  "http.route": "/orders/{id}",
  "order": call,
  "cached": false
})

const message = "order found"

const repeat = (log: (call: number) => void) => () => {
  for (let call = 0; call < calls; call++) log(call)
}

const inFiber = (log: (call: number) => Effect.Effect<void>) =>
  Effect.gen(function*() {
    for (let call = 0; call < calls; call++) yield* log(call)
  })

const atOnce = (fiber: Fiber.Fiber<void>) => {
  if (fiber.pollUnsafe() === undefined) throw new Error("a round did not end in one turn: it has too many calls")
}

type Way = () => void

const boundPino = pino.child(fields(1))
const boundWinston = winston.child(fields(1))

/** The five are bound once, as for a request that logs several times; or other five with each call, and made with it. */
const kinds: Record<string, { readonly program: Effect.Effect<void>; readonly peers: Record<string, Way> }> = {
  "bound once": {
    program: inFiber(() => Effect.log(message)).pipe(Effect.annotateLogs(fields(1))),
    peers: {
      pino: repeat(() => boundPino.info(message)),
      winston: repeat(() => boundWinston.info(message))
    }
  },
  "with each call": {
    program: inFiber((call) => Effect.log(message, fields(call))),
    peers: {
      pino: repeat((call) => pino.info(fields(call), message)),
      winston: repeat((call) => winston.info(message, fields(call)))
    }
  },
  "annotated for each call": {
    program: inFiber((call) => Effect.annotateLogs(Effect.log(message), fields(call))),
    peers: {
      pino: repeat((call) => pino.child(fields(call)).info(message)),
      winston: repeat((call) => winston.child(fields(call)).info(message))
    }
  }
}

const runtimes = Object.entries({
  "keelson, shipping": logging(shippingSink),
  "keelson": keelson,
  "Effect's formatJson": formatJson,
  "Effect, no logger": silent
}).map(([name, layer]) => [name, ManagedRuntime.make(layer)] as const)

const alternate = async (ways: Record<string, Way>): Promise<Record<string, number>> => {
  const times: Record<string, Array<number>> = {}
  for (let round = -warmUps; round < rounds; round++) {
    for (const [name, way] of Object.entries(ways)) {
      const started = performance.now()
      way()
      const took = performance.now() - started
      if (round >= 0) (times[name] ??= []).push(took * 1e6 / calls)
      await turn()
    }
  }
  return Object.fromEntries(Object.entries(times).map(([name, list]) => [name, median(list)]))
}

for (const [, runtime] of runtimes) await runtime.context()
console.log(`ns a call with five fields, ${rounds} rounds of ${calls} calls; Node ${process.version}\n`)
for (const [kind, { peers, program }] of Object.entries(kinds)) {
  const ways = Object.fromEntries(runtimes.map(([name, runtime]) => [name, () => atOnce(runtime.runFork(program))]))
  const found = await alternate({ ...peers, ...ways })
  const base = found["pino"] ?? Number.NaN
  console.log(`${
    align([
      [kind, "ns", "× pino"],
      ...Object.entries(found).map(([name, time]) => [name, time.toFixed(0), (time / base).toFixed(2)])
    ])
  }\n`)
}
for (const [, runtime] of runtimes) await runtime.dispose()

const below = inFiber(() => Effect.logDebug(message)).pipe(Effect.annotateLogs(fields(1)))

const levels = (apply: ReadonlyArray<"Debug" | undefined>) =>
  Layer.effectDiscard(
    Effect.gen(function*() {
      const levels = yield* Levels
      for (const level of apply) yield* levels.apply({ level, name: "db", lasting: Duration.hours(1) }, "bench")
    }).pipe(Effect.orDie)
  ).pipe(
    Layer.provideMerge(keelson),
    Layer.provideMerge(FiberRegistry.layer({ list: true })),
    Layer.provideMerge(LogLevels.layer("Info"))
  )

const { begin } = DebugLines.make({ offer: () => {}, context: Context.empty() })
const kept = Layer.effectContext(
  Effect.sync(() => Context.make(DebugLines.DebugLines, begin()).pipe(Context.add(References.MinimumLogLevel, "All")))
).pipe(Layer.provideMerge(levels([])))

const levelled = Object.entries({
  "effect alone": silent,
  "unchanged": levels([]),
  "another name at debug": levels(["Debug"]),
  "that ended": levels(["Debug", undefined]),
  "kept": kept
}).map(([name, layer]) => [name, ManagedRuntime.make(layer)] as const)
for (const [, runtime] of levelled) await runtime.context()
const lines = await alternate(
  Object.fromEntries(levelled.map(([name, runtime]) => [name, () => atOnce(runtime.runFork(below))]))
)
for (const [, runtime] of levelled) await runtime.dispose()
console.log(`below the level: ${Object.entries(lines).map(([name, ns]) => `${name} ${ns.toFixed(0)} ns`).join(", ")}`)

const requests = 200_000
const root = Effect.runSync(Effect.context())
const requestTimes = Array.from({ length: 11 }, () => {
  const started = performance.now()
  for (let request = 0; request < requests; request++) {
    const lines = begin()
    const context = Context.add(root, DebugLines.DebugLines, lines)
    bytes += Context.get(Context.add(context, References.MinimumLogLevel, "All"), References.MinimumLogLevel).length
    lines.discard()
  }
  return (performance.now() - started) * 1e6 / requests
})
console.log(`keeping lines: ${Math.round(median(requestTimes))} ns a request`)

const pairs = 200_000
const idTimes = Array.from({ length: 11 }, () => {
  const started = performance.now()
  for (let pair = 0; pair < pairs; pair++) bytes += (TraceContext.nextTraceId() + TraceContext.nextSpanId()).length
  return (performance.now() - started) * 1e6 / pairs
})
console.log(`trace and span id: ${Math.round(median(idTimes))} ns a pair`)
if (bytes === 0) throw new Error("nothing was logged")
