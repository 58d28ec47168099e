import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { getHeapStatistics } from "node:v8"
import type { CpuProfile, HeapProfile } from "../services/V8Profile.ts"
import * as Inspector from "./Inspector.ts"

/**
 * A capture that cannot begin: another of its kind is under way, it would stop the process for too long, or Node
 * permits no inspector.
 *
 * @category errors
 * @since 1.1.0
 */
export class CaptureRefused extends Schema.TaggedError<CaptureRefused>()("CaptureRefused", {
  reason: Schema.Literals(["busy", "heap", "inspector"]),
  message: Schema.String
}) {}

/** How far apart CPU samples are, in microseconds: 100 Hz, as Go's. */
export const cpuInterval = 10_000

/** How far apart heap samples are on average, in bytes: as Go's. */
export const heapInterval = 512 * 1024

const largestHeap = 512 * 2 ** 20
const busy = new Set<"CPU" | "heap">()

const exclusively = <A, E>(kind: "CPU" | "heap", capture: Effect.Effect<A, E>): Effect.Effect<A, E | CaptureRefused> =>
  Effect.suspend((): Effect.Effect<A, E | CaptureRefused> => {
    if (busy.has(kind)) {
      const message = kind === "CPU"
        ? "Could not enable CPU profiling: cpu profiling already in use"
        : "Could not enable heap profiling: heap profiling already in use"
      return Effect.fail(new CaptureRefused({ reason: "busy", message }))
    }
    busy.add(kind)
    return Effect.ensuring(capture, Effect.sync(() => busy.delete(kind)))
  })

// Starting, and reading a heap profile, walk the whole heap while nothing else runs.
const unlessLarge = (force: boolean): Effect.Effect<void, CaptureRefused> =>
  Effect.suspend(() => {
    const { used_heap_size: used } = getHeapStatistics()
    if (force || used <= largestHeap) return Effect.void
    const size = `${Math.round(used / 2 ** 20)} MiB`
    return Effect.fail(
      new CaptureRefused({
        reason: "heap",
        // A millisecond for each MiB on an idle machine.
        message: `a heap of ${size} would stop the process for about ${Math.round(used / 2 ** 20)} ms or more; add ` +
          "force=1 to do it all the same"
      })
    )
  })

const inspect = <A>(use: (inspector: Inspector.Inspector) => Effect.Effect<A>) =>
  Effect.acquireUseRelease(
    Effect.try({
      try: Inspector.connect,
      catch: () =>
        new CaptureRefused({
          reason: "inspector",
          message: "Node's permission model keeps profiles from being taken: start with --allow-inspector too"
        })
    }),
    use,
    ({ close }) => Effect.sync(close)
  )

/**
 * How a capture is made: for how long, and whether a large heap does not matter.
 *
 * @category models
 * @since 1.1.0
 */
export interface CaptureOptions {
  readonly duration: Duration.Duration
  readonly force: boolean
}

/**
 * Samples what the main thread does. Interruption ends the sampling.
 *
 * @category constructors
 * @since 1.1.0
 */
export const cpu = ({ duration, force }: CaptureOptions): Effect.Effect<CpuProfile, CaptureRefused> =>
  Effect.andThen(
    unlessLarge(force),
    exclusively(
      "CPU",
      inspect(({ post }) =>
        Effect.gen(function*() {
          post("Profiler.enable")
          post("Profiler.setSamplingInterval", { interval: cpuInterval })
          post("Profiler.start")
          yield* Effect.sleep(duration)
          return post<{ profile: CpuProfile }>("Profiler.stop").profile
        })
      )
    )
  )

let always: Inspector.Inspector | undefined
let anew: number | undefined

const startSampling = ({ post }: Inspector.Inspector, collected: boolean) =>
  post("HeapProfiler.startSampling", {
    samplingInterval: heapInterval,
    includeObjectsCollectedByMajorGC: collected,
    includeObjectsCollectedByMinorGC: collected
  })

/**
 * Samples allocations from now on, for the life of the scope, so that {@link heap} knows all that is alive.
 *
 * @category constructors
 * @since 1.1.0
 */
export const sampleHeap = Effect.acquireRelease(
  Effect.sync(() => {
    const inspector = Inspector.connect()
    startSampling(inspector, false)
    always = inspector
    anew = undefined
    return inspector
  }),
  (inspector) =>
    Effect.sync(() => {
      always = undefined
      inspector.post("HeapProfiler.stopSampling")
      inspector.close()
    })
)

/**
 * Whether {@link sampleHeap} is at work.
 *
 * @category getters
 * @since 1.1.0
 */
export const isSamplingHeap = (): boolean => always !== undefined

interface HeapLooks {
  readonly before: HeapProfile | undefined
  readonly after: HeapProfile
  /** When the sampling of the whole life began anew, in milliseconds. */
  readonly since?: number | undefined
}

/**
 * What is alive in the heap: of all that was allocated since {@link sampleHeap} began, or began anew after {@link allocs},
 * at the beginning and the end of `duration`, else of what was allocated within `duration`. V8 collects garbage before it
 * answers.
 *
 * @category constructors
 * @since 1.1.0
 */
export const heap = ({ duration, force }: CaptureOptions): Effect.Effect<HeapLooks, CaptureRefused> => {
  const read = ({ post }: Inspector.Inspector) =>
    post<{ profile: HeapProfile }>("HeapProfiler.getSamplingProfile").profile
  return Effect.andThen(
    unlessLarge(force),
    exclusively(
      "heap",
      Effect.suspend((): Effect.Effect<HeapLooks, CaptureRefused> => {
        const sampler = always
        if (sampler === undefined) {
          return inspect((inspector) =>
            Effect.map(sampling(inspector, { collected: false, duration }, read), (after) => ({
              before: undefined,
              after
            }))
          )
        }
        return Effect.gen(function*() {
          const before = read(sampler)
          yield* Effect.sleep(duration)
          return { before, after: read(sampler), since: anew }
        })
      })
    )
  )
}

/**
 * What was allocated within `duration`, dead or alive. V8 has one heap sampler: one that {@link sampleHeap} began starts
 * anew afterwards.
 *
 * @category constructors
 * @since 1.1.0
 */
export const allocs = ({ duration, force }: CaptureOptions): Effect.Effect<HeapProfile, CaptureRefused> =>
  Effect.andThen(
    unlessLarge(force),
    exclusively(
      "heap",
      Effect.acquireUseRelease(
        Effect.sync(() => always?.post("HeapProfiler.stopSampling")),
        () =>
          inspect((inspector) =>
            sampling(
              inspector,
              { collected: true, duration },
              ({ post }) => post<{ profile: HeapProfile }>("HeapProfiler.getSamplingProfile").profile
            )
          ),
        () =>
          Effect.map(Clock.currentTimeMillis, (now) => {
            if (always === undefined) return
            startSampling(always, false)
            anew = now
          })
      )
    )
  )

const sampling = <A>(
  inspector: Inspector.Inspector,
  { collected, duration }: { readonly collected: boolean; readonly duration: Duration.Duration },
  read: (inspector: Inspector.Inspector) => A
) =>
  Effect.acquireUseRelease(
    Effect.sync(() => startSampling(inspector, collected)),
    () => Effect.map(Effect.sleep(duration), () => read(inspector)),
    () => Effect.sync(() => inspector.post("HeapProfiler.stopSampling"))
  )
