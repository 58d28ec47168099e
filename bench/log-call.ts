/**
 * What one `Effect.log` with five annotations costs its caller: keelson's logger into a sink that keeps nothing, against
 * Effect's `Logger.formatJson`, alternating in one process; medians. And what a line below the level costs: with nothing
 * changed, while a name has a level of its own, after that ended, and kept for a request that may fail.
 *
 * Run with `node bench/log-call.ts`.
 */
import { Context, Duration, Effect, Layer, Logger, References } from "effect"
import { performance } from "node:perf_hooks"
import * as FiberRegistry from "../src/layers/FiberRegistry.ts"
import * as KeelsonLogger from "../src/layers/Logger.ts"
import * as LogLevels from "../src/layers/LogLevels.ts"
import * as DebugLines from "../src/services/DebugLines.ts"
import { LogLevels as Levels } from "../src/services/LogLevels.ts"
import * as Logs from "../src/services/Logs.ts"
import { LogSink } from "../src/services/LogSink.ts"
import * as Recent from "../src/services/Recent.ts"
import * as TraceContext from "../src/services/TraceContext.ts"

const calls = 50_000
const rounds = 21

let bytes = 0

const nullSink = Layer.succeed(LogSink, {
  offer: ({ line }) => {
    bytes += line.length
  },
  dropped: () => 0,
  flush: Effect.void
})

const keelson = KeelsonLogger.layer.pipe(
  Layer.provide(Logs.layer),
  Layer.provide([Recent.layer, nullSink])
)

const formatJson = Logger.layer([
  Logger.map(Logger.formatJson, (line) => {
    bytes += line.length
  }),
  Logger.tracerLogger
])

const silent = Logger.layer([])

const annotations = (call: number) => ({
  "operation": "orders.get",
  "http.request.method": "GET",
  "http.route": "/orders/{id}",
  "order": call,
  "cached": false
})

/** Annotations bound once, as for a request that logs several times. */
const bound = Effect.gen(function*() {
  for (let call = 0; call < calls; call++) yield* Effect.log("order found")
}).pipe(Effect.annotateLogs(annotations(1)))

/** Other annotations for each call, as for a request that logs once; building them counts too. */
const fresh = Effect.gen(function*() {
  for (let call = 0; call < calls; call++) yield* Effect.annotateLogs(Effect.log("order found"), annotations(call))
})

const traced = bound.pipe(Effect.withParentSpan({
  _tag: "ExternalSpan",
  traceId: TraceContext.nextTraceId(),
  spanId: TraceContext.nextSpanId(),
  sampled: true,
  annotations: Effect.runSync(Effect.context())
}))

const median = (values: Array<number>) => values.sort((a, b) => a - b)[values.length >> 1]!

const measure = async (program: Effect.Effect<void>, layers: Record<string, Layer.Layer<never>>) => {
  const times: Record<string, Array<number>> = {}
  for (let round = 0; round < rounds; round++) {
    for (const [name, layer] of Object.entries(layers)) {
      const started = performance.now()
      await Effect.runPromise(Effect.provide(program, layer))
      const list = times[name] ??= []
      if (round > 2) list.push((performance.now() - started) * 1e6 / calls)
    }
  }
  return Object.fromEntries(Object.entries(times).map(([name, list]) => [name, Math.round(median(list))]))
}

for (const [name, program] of Object.entries({ bound, fresh, traced })) {
  const result = await measure(program, { keelson, formatJson, silent })
  const own = (which: string) => result[which]! - result["silent"]!
  console.log(
    `${name}: keelson ${result["keelson"]} ns, formatJson ${result["formatJson"]} ns, no logger ${
      result["silent"]
    } ns; ` +
      `ratio ${(result["keelson"]! / result["formatJson"]!).toFixed(2)}, loggers alone ${
        (own("keelson") / own("formatJson")).toFixed(2)
      }`
  )
}

const below = Effect.gen(function*() {
  for (let call = 0; call < calls; call++) yield* Effect.logDebug("order found")
}).pipe(Effect.annotateLogs(annotations(1)))

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

const lines = await measure(below, {
  "effect alone": silent,
  "unchanged": levels([]),
  "another name at debug": levels(["Debug"]),
  "that ended": levels(["Debug", undefined]),
  "kept": kept
})
console.log(`below the level: ${Object.entries(lines).map(([name, ns]) => `${name} ${ns} ns`).join(", ")}`)

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
