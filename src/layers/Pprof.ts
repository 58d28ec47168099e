import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { readdirSync, readFileSync } from "node:fs"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { promisify } from "node:util"
import { gzip as gzipCallback } from "node:zlib"
import * as ChromeTrace from "../services/ChromeTrace.ts"
import * as FiberDumpService from "../services/FiberDump.ts"
import * as Pprof from "../services/Pprof.ts"
import * as PprofText from "../services/PprofText.ts"
import * as V8Profile from "../services/V8Profile.ts"
import * as FiberDump from "./FiberDump.ts"
import * as Profiler from "./Profiler.ts"
import * as SourceMaps from "./SourceMaps.ts"

type Request = HttpServerRequest.HttpServerRequest
type Answer = Effect.Effect<HttpServerResponse.HttpServerResponse>

/** What a refusal is in Go's handlers: a status and one line of text. */
class Refusal {
  readonly _tag = "Refusal"
  readonly status: number
  readonly message: string

  constructor(status: number, message: string) {
    this.status = status
    this.message = message
  }
}

const gzip = promisify(gzipCallback)
const headers = { "x-content-type-options": "nosniff", "cache-control": "no-store" }
const defaultCpuSeconds = 30
const defaultHeapSeconds = 10
const defaultLoopSeconds = 10
const mostSeconds = 120
const traceSeconds = 1

/**
 * Answers what is below `/debug/` on the admin listener.
 *
 * **Details**
 *
 * Paths, parameters, headers, statuses and texts below `/debug/pprof/` are those of Go's `net/http/pprof`, so that its
 * tools work: `go tool pprof http://127.0.0.1:9990/debug/pprof/profile?seconds=10`. A goroutine is a fiber. One capture
 * of a kind runs at a time, of 120 seconds at most, and ends when its client leaves. Nothing is written to disk.
 *
 * @category handlers
 * @since 1.1.0
 */
export const respond = (request: Request): Answer => {
  const url = new URL(request.url, "http://localhost")
  const ask = (name: string) => url.searchParams.get(name) ?? ""
  const path = url.pathname
  const answer = path.startsWith("/debug/pprof/") ? pprof(path.slice("/debug/pprof/".length), ask) : other(path, ask)
  return Effect.catch(answer, (refusal) => Effect.succeed(refused(refusal)))
}

type Ask = (name: string) => string

const refused = (error: Refusal | Profiler.CaptureRefused): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(`${error.message}\n`, {
    status: error._tag === "Refusal" ? error.status : error.reason === "busy" ? 500 : 503,
    contentType: "text/plain; charset=utf-8",
    headers: { ...headers, "x-go-pprof": "1" }
  })

const text = (body: string) => HttpServerResponse.text(body, { contentType: "text/plain; charset=utf-8", headers })

const json = (body: unknown) =>
  HttpServerResponse.text(`${JSON.stringify(body, null, 2)}\n`, { contentType: "application/json", headers })

const pprof = (
  name: string,
  ask: Ask
): Effect.Effect<HttpServerResponse.HttpServerResponse, Refusal | Profiler.CaptureRefused> => {
  switch (name) {
    case "":
      return Effect.map(
        counts,
        (counts) =>
          HttpServerResponse.text(PprofText.index(counts), { contentType: "text/html; charset=utf-8", headers })
      )
    case "cmdline":
      return Effect.sync(() => text(PprofText.commandLine(process.argv)))
    case "symbol":
      return Effect.succeed(text("num_symbols: 0\n"))
    case "profile":
      return cpu(ask)
    case "trace":
      return Effect.fail(new Refusal(404, "Node has no trace in Go's format; /debug/trace has one for Perfetto"))
    case "allocs":
    case "block":
    case "goroutine":
    case "heap":
    case "mutex":
    case "threadcreate":
      return named(name, ask)
    default:
      return Effect.fail(new Refusal(404, "Unknown profile"))
  }
}

type Named = "allocs" | "block" | "goroutine" | "heap" | "mutex" | "threadcreate"

const tooLong = new Refusal(400, "profile duration exceeds server's WriteTimeout")

// As Go's strconv.Atoi.
const integer = (text: string): number | undefined => /^[+-]?\d+$/.test(text) ? Number(text) : undefined

const cpuOptions = (ask: Ask, fallback: number): Effect.Effect<Profiler.CaptureOptions, Refusal> => {
  const asked = integer(ask("seconds")) ?? 0
  const seconds = asked <= 0 ? fallback : asked
  return seconds > mostSeconds
    ? Effect.fail(tooLong)
    : Effect.succeed({ duration: Duration.seconds(seconds), force: ask("force") === "1" })
}

const cpu = (ask: Ask) =>
  Effect.gen(function*() {
    const options = yield* cpuOptions(ask, defaultCpuSeconds)
    const startedAt = yield* Clock.currentTimeMillis
    const profile = yield* Profiler.cpu(options)
    const samples = yield* resolve(V8Profile.cpuSamples(profile))
    return yield* binary("profile", {
      sampleTypes: [{ type: "samples", unit: "count" }, { type: "cpu", unit: "nanoseconds" }],
      periodType: { type: "cpu", unit: "nanoseconds" },
      period: Profiler.cpuInterval * 1000,
      startedAt,
      duration: (profile.endTime - profile.startTime) / 1000,
      samples: Pprof.merge(samples)
    })
  })

const named = (name: Named, ask: Ask) =>
  Effect.gen(function*() {
    const asked = ask("seconds")
    const debug = integer(ask("debug")) ?? 0
    const seconds = integer(asked)
    if (asked !== "") {
      if (seconds === undefined || seconds <= 0) {
        return yield* Effect.fail(new Refusal(400, `invalid value for "seconds" - must be a positive integer`))
      }
      if (seconds > mostSeconds) return yield* Effect.fail(tooLong)
      if (debug !== 0) return yield* Effect.fail(new Refusal(400, "seconds and debug params are incompatible"))
    }
    const options: NamedOptions = {
      seconds,
      debug,
      force: ask("force") === "1"
    }
    const filename = seconds === undefined ? name : `${name}-delta`
    const profile = yield* profiles[name](options)
    return typeof profile === "string" ? text(profile) : yield* binary(filename, profile)
  })

interface NamedOptions {
  readonly seconds: number | undefined
  readonly debug: number
  readonly force: boolean
}

const space = { type: "space", unit: "bytes" }

const captureOf = ({ force, seconds = defaultHeapSeconds }: NamedOptions): Profiler.CaptureOptions => ({
  duration: Duration.seconds(seconds),
  force
})

const profiles: Record<
  Named,
  (options: NamedOptions) => Effect.Effect<Pprof.Profile | string, Refusal | Profiler.CaptureRefused>
> = {
  heap: (options) =>
    Effect.gen(function*() {
      const startedAt = yield* Clock.currentTimeMillis
      const at = options.seconds === undefined && Profiler.isSamplingHeap()
      const capture = at ? { ...captureOf(options), duration: Duration.zero } : captureOf(options)
      const { after, before } = yield* Profiler.heap(capture)
      const samplesOf = (profile: V8Profile.HeapProfile) =>
        Effect.map(resolve(V8Profile.heapSamples(profile, Profiler.heapInterval)), Pprof.merge)
      const samples = yield* samplesOf(after)
      const profile: Pprof.Profile = {
        sampleTypes: [{ type: "inuse_objects", unit: "count" }, { type: "inuse_space", unit: "bytes" }],
        periodType: space,
        period: Profiler.heapInterval,
        startedAt,
        duration: Duration.toMillis(capture.duration),
        comments: Profiler.isSamplingHeap()
          ? []
          : ["of what was allocated while it was taken; HEAP_SAMPLING=on samples from the start"],
        samples: before === undefined || at ? samples : Pprof.subtract(samples, yield* samplesOf(before))
      }
      return options.debug === 0 ? profile : PprofText.heap(profile.samples, Profiler.heapInterval)
    }),
  allocs: (options) =>
    Effect.gen(function*() {
      const startedAt = yield* Clock.currentTimeMillis
      const capture = captureOf(options)
      const found = yield* Profiler.allocs(capture)
      const samples = Pprof.merge(yield* resolve(V8Profile.heapSamples(found, Profiler.heapInterval)))
      return options.debug === 0
        ? {
          sampleTypes: [{ type: "alloc_objects", unit: "count" }, { type: "alloc_space", unit: "bytes" }],
          periodType: space,
          period: Profiler.heapInterval,
          startedAt,
          duration: Duration.toMillis(capture.duration),
          samples
        }
        : PprofText.heap(samples, Profiler.heapInterval)
    }),
  goroutine: ({ debug, seconds }) =>
    Effect.gen(function*() {
      const startedAt = yield* Clock.currentTimeMillis
      const before = seconds === undefined ? [] : yield* fibers
      yield* Effect.sleep(Duration.seconds(seconds ?? 0))
      const after = yield* fibers
      if (debug === 1) return FiberDumpService.groupsText(after)
      if (debug >= 2) return FiberDumpService.fibersText(after)
      const goroutine = { type: "goroutine", unit: "count" }
      const samples = FiberDumpService.samples(after)
      return {
        sampleTypes: [goroutine],
        periodType: goroutine,
        period: 1,
        startedAt,
        duration: (seconds ?? 0) * 1000,
        samples: seconds === undefined
          ? Pprof.merge(samples)
          : Pprof.subtract(samples, FiberDumpService.samples(before))
      }
    }),
  // Go's are empty too unless the program asks for them; here nothing else runs beside the main thread's own code.
  block: (options) => contention("block", options),
  mutex: (options) => contention("mutex", options),
  threadcreate: ({ debug, seconds }) =>
    Effect.gen(function*() {
      yield* Effect.sleep(Duration.seconds(seconds ?? 0))
      const threads = yield* Effect.sync(threadNames)
      if (debug !== 0) return PprofText.threads(threads)
      const type = { type: "threadcreate", unit: "count" }
      return {
        sampleTypes: [type],
        periodType: type,
        period: 1,
        startedAt: yield* Clock.currentTimeMillis,
        samples: seconds === undefined
          ? Pprof.merge(threads.map((name) => ({ stack: [{ name, file: "", line: 0 }], values: [1] })))
          : []
      }
    })
}

const contention = (name: "block" | "mutex", { debug, seconds }: NamedOptions) =>
  Effect.gen(function*() {
    yield* Effect.sleep(Duration.seconds(seconds ?? 0))
    if (debug !== 0) return PprofText.contention(name)
    return {
      sampleTypes: [{ type: "contentions", unit: "count" }, { type: "delay", unit: "nanoseconds" }],
      periodType: { type: "contentions", unit: "count" },
      period: 1,
      startedAt: yield* Clock.currentTimeMillis,
      samples: []
    }
  })

const fibers = Effect.flatMap(
  FiberDump.take,
  (fibers) =>
    fibers === undefined
      ? Effect.fail(new Refusal(404, "no list of fibers is kept: start with --fibers=on"))
      : Effect.succeed(fibers)
)

const threadNames = (): ReadonlyArray<string> => {
  try {
    return readdirSync("/proc/self/task").map((id) => readFileSync(`/proc/self/task/${id}/comm`, "utf8").trim())
  } catch {
    return []
  }
}

const counts = Effect.gen(function*() {
  const fibers = yield* FiberDump.count
  return { goroutine: fibers ?? 0, threadcreate: threadNames().length }
})

const resolve = (
  samples: ReadonlyArray<Pprof.Sample<V8Profile.Position>>
): Effect.Effect<ReadonlyArray<Pprof.Sample>> =>
  Effect.map(Effect.promise(() => SourceMaps.resolve(samples.flatMap(({ stack }) => stack))), (frames) => {
    let used = 0
    return samples.map((sample) => {
      used += sample.stack.length
      return { ...sample, stack: frames.slice(used - sample.stack.length, used) }
    })
  })

const binary = (filename: string, profile: Pprof.Profile) =>
  Effect.map(Effect.promise(() => gzip(Pprof.encode(profile))), (body) =>
    HttpServerResponse.uint8Array(body, {
      contentType: "application/octet-stream",
      headers: { ...headers, "content-disposition": `attachment; filename="${filename}"` }
    }))

const other = (
  path: string,
  ask: Ask
): Effect.Effect<HttpServerResponse.HttpServerResponse, Refusal | Profiler.CaptureRefused> => {
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
    const { duration } = yield* cpuOptions(ask, defaultHeapSeconds)
    const half = Effect.sleep(Duration.times(duration, 0.5))
    const first = yield* fibers
    yield* half
    const second = yield* fibers
    yield* half
    return json(FiberDumpService.leaks([first, second, yield* fibers]))
  })

const trace = (ask: Ask) =>
  Effect.gen(function*() {
    const profile = yield* Profiler.cpu(yield* cpuOptions(ask, traceSeconds))
    const timeline = V8Profile.timeline(profile)
    const stacks = yield* resolve(timeline.map(({ stack }) => ({ stack, values: [] })))
    const samples = timeline.map(({ at }, index) => ({ at, stack: stacks[index]?.stack ?? [] }))
    return HttpServerResponse.text(ChromeTrace.encode(samples, profile.endTime), {
      contentType: "application/json",
      headers: { ...headers, "content-disposition": `attachment; filename="trace.json"` }
    })
  })

const eventLoop = (ask: Ask) =>
  Effect.gen(function*() {
    const { duration } = yield* cpuOptions(ask, defaultLoopSeconds)
    return yield* Effect.acquireUseRelease(
      Effect.sync(() => {
        const monitor = monitorEventLoopDelay({ resolution: 1 })
        monitor.enable()
        return monitor
      }),
      (monitor) =>
        Effect.map(Effect.sleep(duration), () =>
          json({
            unit: "milliseconds",
            seconds: Duration.toSeconds(duration),
            mean: monitor.mean / 1e6,
            ...Object.fromEntries(
              [50, 90, 99, 99.9, 100].map((percentile) => [`p${percentile}`, monitor.percentile(percentile) / 1e6])
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
