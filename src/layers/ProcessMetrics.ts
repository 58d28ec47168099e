import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Schedule from "effect/Schedule"
import { existsSync, readdirSync, statfs, type StatsFs } from "node:fs"
import { getHeapStatistics } from "node:v8"
import { Fibers } from "../services/Fibers.ts"
import { Settings } from "../services/Settings.ts"
import * as LoopDelay from "./LoopDelay.ts"
import * as Stopwatch from "./Stopwatch.ts"

// A start is to be short: watching begins after it.
const pause = "1 second"

const diskInterval = "30 seconds"
const shortestInterval = Duration.seconds(1)
const delayResolution = 20

const gcKinds = ["minor", "major", "incremental", "weakcb"] as const

// Node's module for all that is watched is loaded when watching begins, too.
const perfHooks = () => process.getBuiltinModule("node:perf_hooks")

/**
 * Registers the metrics of this process: memory, CPU, event loop, garbage collection, file descriptors, the disk of
 * the working directory, fibers.
 *
 * **Details**
 *
 * Each value is read when a snapshot is taken. Names are those of Prometheus' Node client where it has one. Ratios and
 * event-loop delays (in seconds) are of the last one to two `metricsInterval`s, whoever reads them and how often; the
 * CPU ratio is in cores. Watching begins a second after the start: until then ratios are of the whole life, there are
 * neither delays nor garbage collections, and nothing of the disk, which is read every 30 seconds. File descriptors need
 * `/proc`, live fibers `FiberRegistry`: what cannot be read is not there.
 *
 * @category layers
 * @since 1.1.0
 */
export const layer: Layer.Layer<never> = Layer.effectDiscard(Effect.gen(function*() {
  const register = makeRegister(yield* Effect.context<never>())
  const fibers = yield* Fibers
  const { metricsInterval } = yield* Settings
  const interval = Duration.max(metricsInterval, shortestInterval)
  const watched = makeWatched()

  yield* register(({ counter, gauge }) => {
    gauge("process_resident_memory_bytes", () => process.memoryUsage.rss(), "Resident memory")
    gauge("nodejs_heap_size_total_bytes", () => getHeapStatistics().total_heap_size, "Heap taken from the system")
    gauge("nodejs_heap_size_used_bytes", () => getHeapStatistics().used_heap_size, "Heap in use")
    gauge("nodejs_external_memory_bytes", () => getHeapStatistics().external_memory, "Memory outside the heap")
    gauge("process_uptime_seconds", () => process.uptime(), "Time since the start")
    counter("process_cpu_seconds_total", cpuSeconds, "CPU time, user and system")
    gauge("process_cpu_utilization_ratio", () => watched.loop().cpuRatio(), "Cores kept busy")
    gauge("nodejs_eventloop_utilization_ratio", () => watched.loop().loopRatio(), "Busy event loop")
    gauge("nodejs_eventloop_lag_p50_seconds", () => watched.lag(50), "Event-loop delay, median")
    gauge("nodejs_eventloop_lag_p99_seconds", () => watched.lag(99), "Event-loop delay, 99th percentile")
    gauge("nodejs_eventloop_lag_max_seconds", () => watched.lag(100), "Event-loop delay, longest")
    if (fibers !== undefined) gauge("keelson_fibers", fibers.live, "Live fibers")
    // One of the descriptors is that of the listing itself.
    const descriptors = () => readdirSync("/proc/self/fd").length - 1
    if (existsSync("/proc/self/fd")) gauge("process_open_fds", descriptors, "Open file descriptors")
    for (const kind of gcKinds) {
      const total = watched.collections[kind]
      counter("nodejs_gc_runs_total", () => total.count, "Garbage collections", { kind })
      counter("nodejs_gc_duration_seconds_total", () => total.seconds, "Time collecting", { kind })
    }
  })

  let disk = { free: 0, total: 0 }
  const readDisk = Effect.map(diskOfWorkingDirectory, ({ bavail, blocks, bsize }) => {
    disk = { free: bavail * bsize, total: blocks * bsize }
  })
  const spaced = Schedule.spaced(diskInterval)

  yield* Effect.gen(function*() {
    yield* Effect.sleep(pause)
    yield* Effect.sync(Stopwatch.settle)
    watched.loop = yield* overlapping({ open: openLoopWindow, interval })
    yield* observeCollections(watched.collections)
    const delay = yield* overlapping({ open: openDelayWindow, interval })
    watched.lag = (percentile) => delay().lag(percentile)
    yield* Effect.retry(readDisk, spaced)
    yield* register(({ gauge }) => {
      gauge("keelson_disk_total_bytes", () => disk.total, "Size of the working directory's disk")
      gauge("keelson_disk_free_bytes", () => disk.free, "Free space a user may take there")
    })
    yield* Effect.repeat(Effect.ignore(readDisk), spaced)
  }).pipe(Effect.forkScoped)
}))

/**
 * Something measured since it was opened or last restarted.
 *
 * @category models
 * @since 1.1.0
 */
export interface Window {
  readonly restart: () => void
  readonly close: () => void
}

/**
 * Keeps two windows and restarts them in turn: the one it gives has been open for one to two intervals (less only at
 * the start), so readers of any number and rhythm take nothing from each other.
 *
 * @category constructors
 * @since 1.1.0
 */
export const overlapping = Effect.fnUntraced(function*<A extends Window>(options: {
  readonly open: () => A
  readonly interval: Duration.Input
}) {
  const open = Effect.acquireRelease(Effect.sync(options.open), (window) => Effect.sync(window.close))
  let older = yield* open
  let newer = yield* open
  const turn = Effect.sync(() => {
    ;[older, newer] = [newer, older]
    newer.restart()
  })
  yield* Effect.sleep(options.interval).pipe(Effect.andThen(turn), Effect.forever, Effect.forkScoped)
  return () => older
})

const diskOfWorkingDirectory = Effect.callback<StatsFs, Error>((resume) => {
  statfs(".", (error, stats) => resume(error === null ? Effect.succeed(stats) : Effect.fail(error)))
})

const openLoopWindow = (): LoopWindow => {
  const { performance } = perfHooks()
  const now = () => ({ at: performance.now(), cpu: cpuSeconds(), loop: performance.eventLoopUtilization() })
  let since = now()
  return {
    restart: () => {
      since = now()
    },
    close: () => {},
    loopRatio: () => performance.eventLoopUtilization(since.loop).utilization,
    cpuRatio: () => (cpuSeconds() - since.cpu) / Math.max(1e-3, (performance.now() - since.at) / 1e3)
  }
}

const openDelayWindow = () => {
  const delay = perfHooks().monitorEventLoopDelay({ resolution: delayResolution })
  delay.enable()
  return {
    restart: () => delay.reset(),
    close: () => {
      delay.disable()
    },
    lag: (percentile: number) => LoopDelay.seconds(delay.percentile(percentile), delayResolution)
  }
}

const cpuSeconds = () => {
  const { system, user } = process.cpuUsage()
  return (user + system) / 1e6
}

interface LoopWindow extends Window {
  readonly loopRatio: () => number
  readonly cpuRatio: () => number
}

interface Collections {
  count: number
  seconds: number
}

interface Watched {
  loop: () => Pick<LoopWindow, "loopRatio" | "cpuRatio">
  lag: (percentile: number) => number
  readonly collections: Readonly<Record<(typeof gcKinds)[number], Collections>>
}

// Of the whole life, as long as no window is open.
const sinceStart: ReturnType<Watched["loop"]> = {
  loopRatio: () => perfHooks().performance.eventLoopUtilization().utilization,
  cpuRatio: () => cpuSeconds() / Math.max(1e-3, process.uptime())
}

const makeWatched = (): Watched => ({
  loop: () => sinceStart,
  lag: () => 0,
  collections: {
    minor: { count: 0, seconds: 0 },
    major: { count: 0, seconds: 0 },
    incremental: { count: 0, seconds: 0 },
    weakcb: { count: 0, seconds: 0 }
  }
})

const observeCollections = ({ incremental, major, minor, weakcb }: Watched["collections"]) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const { constants, PerformanceObserver } = perfHooks()
      const totals = new Map<number, Collections>([
        [constants.NODE_PERFORMANCE_GC_MINOR, minor],
        [constants.NODE_PERFORMANCE_GC_MAJOR, major],
        [constants.NODE_PERFORMANCE_GC_INCREMENTAL, incremental],
        [constants.NODE_PERFORMANCE_GC_WEAKCB, weakcb]
      ])
      const observer = new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) {
          const { detail } = entry as { readonly detail?: { readonly kind?: number } }
          const total = totals.get(detail?.kind ?? 0)
          if (total === undefined) continue
          total.count++
          total.seconds += entry.duration / 1000
        }
      })
      observer.observe({ entryTypes: ["gc"] })
      return observer
    }),
    (observer) => Effect.sync(() => observer.disconnect())
  )

interface Register {
  readonly gauge: (name: string, value: () => number, description: string) => void
  readonly counter: (
    name: string,
    value: () => number,
    description: string,
    attributes?: Record<string, string>
  ) => void
}

const makeRegister = (context: Context.Context<never>) => (each: (register: Register) => void) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const registrations: Array<Metric.Registration> = []
      const register = <State>(metric: Metric.Metric<never, State>, get: () => State) => {
        registrations.push(Metric.registerUnsafe(metric, context, { get, update: () => {}, modify: () => {} }))
      }
      each({
        gauge: (name, value, description) => {
          const read = lastKnown(value)
          register(Metric.gauge(name, { description }), () => ({ value: read() }))
        },
        counter: (name, value, description, attributes = {}) => {
          const read = lastKnown(value)
          register(Metric.counter(name, { description, attributes, incremental: true }), () => ({
            count: read(),
            incremental: true
          }))
        }
      })
      return registrations
    }),
    (registrations) => Effect.sync(() => registrations.forEach((registration) => registration.remove()))
  )

// With no file descriptor left, counting them fails: the last count is better than none.
const lastKnown = (value: () => number) => {
  let last = 0
  return () => {
    try {
      last = value()
    } catch {
      return last
    }
    return last
  }
}
