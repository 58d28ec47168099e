import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import { History, intervalSeconds, makeRecorder, type Vitals } from "../services/History.ts"
import * as LoopDelay from "./LoopDelay.ts"

// A start is to be short: measuring begins after it.
const pause = "1 second"

const delayResolution = 20
const gcMetric = "nodejs_gc_duration_seconds_total"

/**
 * Reads the metric registry every five seconds, and whenever somebody looks, into the history of the last five minutes.
 *
 * **Details**
 *
 * One fiber, nothing per request. Series that cannot be read are left out.
 *
 * @category layers
 * @since 1.1.0
 */
export const layer: Layer.Layer<History> = Layer.effect(
  History,
  Effect.gen(function*() {
    const context = yield* Effect.context<never>()
    const clock = yield* Clock.Clock
    const recorder = makeRecorder()
    let gcSeconds = 0
    let turnedAt = clock.currentTimeMillisUnsafe()

    const read = () => {
      gcSeconds = 0
      recorder.read(snapshot(context, (seconds) => gcSeconds += seconds))
    }
    const sample = Effect.gen(function*() {
      const vitals = yield* openVitals
      const turn = Effect.sync(() => {
        read()
        recorder.turn(vitals.take(gcSeconds))
        turnedAt = clock.currentTimeMillisUnsafe()
      })
      yield* Effect.sleep(Duration.seconds(intervalSeconds)).pipe(Effect.andThen(turn), Effect.forever)
    })
    yield* Effect.sleep(pause).pipe(Effect.andThen(sample), Effect.forkScoped)
    return {
      view: () => {
        read()
        return recorder.view((clock.currentTimeMillisUnsafe() - turnedAt) / 1000)
      }
    }
  })
)

function* snapshot(context: Context.Context<never>, onCollecting: (seconds: number) => void) {
  for (const [key, { hooks, ...series }] of Context.get(context, Metric.MetricRegistry)) {
    try {
      const read = { ...series, state: hooks.get(context) } as Metric.Metric.Snapshot
      if (read.id === gcMetric && read.type === "Counter") onCollecting(Number(read.state.count))
      yield [key, read] as const
    } catch {
      // an app may register a hook of its own that throws: the others must not go with it
    }
  }
}

const openVitals = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => {
      const delay = process.getBuiltinModule("node:perf_hooks").monitorEventLoopDelay({ resolution: delayResolution })
      delay.enable()
      return delay
    }),
    (delay) => Effect.sync(() => delay.disable())
  ),
  (delay) => {
    const now = (gc: number) => {
      const { system, user } = process.cpuUsage()
      return { at: performance.now(), loop: performance.eventLoopUtilization(), cpu: (system + user) / 1e6, gc }
    }
    let since = now(0)
    return {
      take: (gc: number): Vitals<number> => {
        const next = now(gc)
        const seconds = Math.max(1e-3, (next.at - since.at) / 1e3)
        const { heapUsed, rss } = process.memoryUsage()
        const taken = {
          loop: performance.eventLoopUtilization(next.loop, since.loop).utilization,
          delay: LoopDelay.seconds(delay.max, delayResolution),
          cpu: (next.cpu - since.cpu) / seconds,
          heap: heapUsed,
          rss,
          gc: Math.max(0, next.gc - since.gc) / seconds
        }
        delay.reset()
        since = next
        return taken
      }
    }
  }
)
