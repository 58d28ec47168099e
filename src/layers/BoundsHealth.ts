import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Health } from "../services/Health.ts"
import * as MetricBounds from "../services/MetricBounds.ts"
import { MetricSink } from "../services/MetricSink.ts"
import { Settings } from "../services/Settings.ts"

/**
 * Makes the service `warn` while its own metrics leave their bounds: the same that are alarms of the stack.
 *
 * **Details**
 *
 * What is posted is looked at on its way to the sink. As an alarm does, it takes as many posts in a row as `minutes` has.
 *
 * @category layers
 * @since 1.1.0
 */
export const layer: Layer.Layer<MetricSink, never, Health | MetricSink> = Layer.effect(
  MetricSink,
  Effect.gen(function*() {
    const sink = yield* MetricSink
    const health = yield* Health
    const interval = Duration.toMinutes((yield* Settings).metricsInterval)
    const watched = (yield* MetricBounds.Bounds).map((bound) => {
      const { minutes } = MetricBounds.limitOf(bound)
      return { bound, posts: Math.max(1, Math.round(minutes / interval)), left: 0 }
    })
    yield* health.register({
      name: "metric bounds",
      description: "metrics are within their bounds",
      critical: false,
      interval: "1 second",
      down: 1,
      up: 1,
      check: Effect.suspend(() => {
        const left = watched.filter(({ left, posts }) => left >= posts).map(({ bound }) => bound.description)
        return left.length === 0 ? Effect.void : Effect.fail(left.join("; "))
      })
    })
    return {
      put: (datums) =>
        Effect.suspend(() => {
          for (const watch of watched) {
            watch.left = MetricBounds.leaves(watch.bound, datums) === true
              ? watch.left + 1
              : 0
          }
          return sink.put(datums)
        })
    }
  })
)
