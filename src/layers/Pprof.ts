import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { readdirSync, readFileSync } from "node:fs"
import { promisify } from "node:util"
import { gzip as gzipCallback } from "node:zlib"
import * as FiberDumpService from "../services/FiberDump.ts"
import * as Pprof from "../services/Pprof.ts"
import * as PprofText from "../services/PprofText.ts"
import * as V8Profile from "../services/V8Profile.ts"
import {
  type Ask,
  captureOptions,
  type DebugAnswer,
  fibers,
  headers,
  integer,
  mostSeconds,
  Refusal,
  tooLong
} from "./DebugAnswer.ts"
import * as FiberDump from "./FiberDump.ts"
import * as Profiler from "./Profiler.ts"
import { resolveSamples } from "./SourceMaps.ts"

const gzip = promisify(gzipCallback)
const defaultCpuSeconds = 30
const defaultHeapSeconds = 10

/**
 * Answers what is asked below `/debug/pprof/`, by the rest of the path.
 *
 * **Details**
 *
 * Paths, parameters, headers, statuses and texts are those of Go's `net/http/pprof`, so that its tools work:
 * `go tool pprof http://127.0.0.1:9990/debug/pprof/profile?seconds=10`. A goroutine is a fiber.
 *
 * @category handlers
 * @since 1.1.0
 */
export const answer = (name: string, ask: Ask): DebugAnswer => {
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

const text = (body: string) => HttpServerResponse.text(body, { contentType: "text/plain; charset=utf-8", headers })

type Named = "allocs" | "block" | "goroutine" | "heap" | "mutex" | "threadcreate"

const cpu = (ask: Ask) =>
  Effect.gen(function*() {
    const options = yield* captureOptions(ask, defaultCpuSeconds)
    const startedAt = yield* Clock.currentTimeMillis
    const profile = yield* Profiler.cpu(options)
    const samples = yield* resolveSamples(V8Profile.cpuSamples(profile))
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
      const { after, before, since } = yield* Profiler.heap(capture)
      const samplesOf = (profile: V8Profile.HeapProfile) =>
        Effect.map(resolveSamples(V8Profile.heapSamples(profile, Profiler.heapInterval)), Pprof.merge)
      const samples = yield* samplesOf(after)
      const comments = since !== undefined
        ? [`of what was allocated since ${new Date(since).toISOString()}, when allocs was taken`]
        : Profiler.isSamplingHeap()
        ? []
        : ["of what was allocated while it was taken; HEAP_SAMPLING=on samples from the start"]
      const profile: Pprof.Profile = {
        sampleTypes: [{ type: "inuse_objects", unit: "count" }, { type: "inuse_space", unit: "bytes" }],
        periodType: space,
        period: Profiler.heapInterval,
        startedAt,
        duration: Duration.toMillis(capture.duration),
        comments,
        samples: before === undefined || at ? samples : Pprof.subtract(samples, yield* samplesOf(before))
      }
      return options.debug === 0 ? profile : PprofText.heap(profile.samples, comments)
    }),
  allocs: (options) =>
    Effect.gen(function*() {
      const startedAt = yield* Clock.currentTimeMillis
      const capture = captureOf(options)
      const found = yield* Profiler.allocs(capture)
      const samples = Pprof.merge(yield* resolveSamples(V8Profile.heapSamples(found, Profiler.heapInterval)))
      return options.debug === 0
        ? {
          sampleTypes: [{ type: "alloc_objects", unit: "count" }, { type: "alloc_space", unit: "bytes" }],
          periodType: space,
          period: Profiler.heapInterval,
          startedAt,
          duration: Duration.toMillis(capture.duration),
          samples
        }
        : PprofText.heap(samples)
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

const binary = (filename: string, profile: Pprof.Profile) =>
  Effect.map(Effect.promise(() => gzip(Pprof.encode(profile))), (body) =>
    HttpServerResponse.uint8Array(body, {
      contentType: "application/octet-stream",
      headers: { ...headers, "content-disposition": `attachment; filename="${filename}"` }
    }))
