import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { monitorEventLoopDelay } from "node:perf_hooks"
import * as ChromeTrace from "../services/ChromeTrace.ts"
import * as FiberDumpService from "../services/FiberDump.ts"
import * as V8Profile from "../services/V8Profile.ts"
import { type Ask, captureOptions, type DebugAnswer, fibers, headers, json, Refusal, refused } from "./DebugAnswer.ts"
import * as LoopDelay from "./LoopDelay.ts"
import * as Pprof from "./Pprof.ts"
import * as Profiler from "./Profiler.ts"
import { resolveSamples } from "./SourceMaps.ts"

const defaultLeaksSeconds = 10
const defaultLoopSeconds = 10
const traceSeconds = 1
const profiles = "/debug/pprof/"

/**
 * Answers what is below `/debug/` on the admin listener.
 *
 * **Details**
 *
 * Go's profiles are below `/debug/pprof/`. Beside them are the fibers and those that may be lost, a trace for Perfetto, the
 * delay of the event loop, and what keeps it alive. One capture of a kind runs at a time, of 120 seconds at most, and ends
 * when its client leaves. Nothing is written to disk.
 *
 * @category handlers
 * @since 1.1.0
 */
export const respond = (
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
  const url = new URL(request.url, "http://localhost")
  const ask = (name: string) => url.searchParams.get(name) ?? ""
  const path = url.pathname
  const answer = path.startsWith(profiles) ? Pprof.answer(path.slice(profiles.length), ask) : other(path, ask)
  return Effect.catch(answer, (refusal) => Effect.succeed(refused(refusal)))
}

const other = (path: string, ask: Ask): DebugAnswer => {
  switch (path) {
    case "/debug/pprof":
      return Effect.succeed(HttpServerResponse.empty({
        status: 301,
        headers: { ...headers, location: "/debug/pprof/" }
      }))
    case "/debug/fibers":
      return ask("leaks") === "" ? Effect.map(fibers, (fibers) => json(FiberDumpService.group(fibers))) : leaks(ask)
    case "/debug/trace":
      return trace(ask)
    case "/debug/eventloop":
      return eventLoop(ask)
    case "/debug/handles":
      return Effect.sync(() => json(handles()))
    default:
      return Effect.fail(new Refusal(404, "404 page not found"))
  }
}

const leaks = (ask: Ask) =>
  Effect.gen(function*() {
    const { duration } = yield* captureOptions(ask, defaultLeaksSeconds)
    const half = Effect.sleep(Duration.times(duration, 0.5))
    const first = yield* fibers
    yield* half
    const second = yield* fibers
    yield* half
    return json(FiberDumpService.leaks([first, second, yield* fibers]))
  })

const trace = (ask: Ask) =>
  Effect.gen(function*() {
    const profile = yield* Profiler.cpu(yield* captureOptions(ask, traceSeconds))
    const timeline = V8Profile.timeline(profile)
    const stacks = yield* resolveSamples(timeline.map(({ stack }) => ({ stack, values: [] })))
    const samples = timeline.map(({ at }, index) => ({ at, stack: stacks[index]?.stack ?? [] }))
    return HttpServerResponse.text(ChromeTrace.encode(samples, profile.endTime), {
      contentType: "application/json",
      headers: { ...headers, "content-disposition": `attachment; filename="trace.json"` }
    })
  })

const loopResolution = 1

const delayOf = (nanoseconds: number): number => LoopDelay.seconds(nanoseconds, loopResolution) * 1e3

const eventLoop = (ask: Ask) =>
  Effect.gen(function*() {
    const { duration } = yield* captureOptions(ask, defaultLoopSeconds)
    return yield* Effect.acquireUseRelease(
      Effect.sync(() => {
        const monitor = monitorEventLoopDelay({ resolution: loopResolution })
        monitor.enable()
        return monitor
      }),
      (monitor) =>
        Effect.map(Effect.sleep(duration), () =>
          json({
            unit: "milliseconds",
            seconds: Duration.toSeconds(duration),
            mean: delayOf(monitor.mean),
            ...Object.fromEntries(
              [50, 90, 99, 99.9, 100].map((percentile) => [`p${percentile}`, delayOf(monitor.percentile(percentile))])
            )
          })),
      (monitor) => Effect.sync(() => monitor.disable())
    )
  })

const handles = (): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const name of process.getActiveResourcesInfo()) counts[name] = (counts[name] ?? 0) + 1
  return counts
}
