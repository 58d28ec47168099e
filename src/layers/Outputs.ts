import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { merge, type OutputChange, Outputs } from "../services/Outputs.ts"
import { Settings } from "../services/Settings.ts"

const jitterRatio = 0.2
const shortestInterval = Duration.seconds(1)

/**
 * Reads the outputs again every `outputsInterval`, ±20 % so that a fleet does not ask in the same instant.
 *
 * **Details**
 *
 * `live` holds the current values, and is changed in place. A look that fails changes nothing and is logged once, until
 * one succeeds; an output that vanished keeps its value and is logged once too. Without `read` there is no stack, and
 * nothing is asked.
 *
 * @category layers
 * @since 1.1.0
 */
export const layer = (
  live: Record<string, string>,
  read: Effect.Effect<Readonly<Record<string, string>>, string> | undefined
): Layer.Layer<Outputs> =>
  Layer.effect(
    Outputs,
    Effect.gen(function*() {
      const interval = Duration.max((yield* Settings).outputsInterval, shortestInterval)
      const pubsub = yield* PubSub.unbounded<OutputChange>()
      const missed = new Set<string>()
      let failing = false

      const look = (read: Effect.Effect<Readonly<Record<string, string>>, string>) =>
        Effect.gen(function*() {
          const found = yield* Effect.result(read)
          if (Result.isFailure(found)) {
            if (!failing) yield* Effect.logWarning("the stack's outputs could not be read again", found.failure)
            failing = true
            return
          }
          failing = false
          const { changes, vanished } = merge(live, found.success)
          for (const name of missed) if (!vanished.includes(name)) missed.delete(name)
          for (const name of vanished.filter((name) => !missed.has(name))) {
            missed.add(name)
            yield* Effect.logWarning(`the output ${name} is gone from the stack; its last value stays`)
          }
          for (const { name } of changes) yield* Effect.logInfo(`the output ${name} changed`)
          yield* PubSub.publishAll(pubsub, changes)
        })
      const pause = Effect.flatMap(
        Random.next,
        (random) => Effect.sleep(Duration.times(interval, 1 + (random * 2 - 1) * jitterRatio))
      )
      if (read !== undefined) {
        yield* Effect.forkScoped(Effect.forever(Effect.andThen(pause, look(read))))
      }
      return { current: () => live, changes: Stream.fromPubSub(pubsub) }
    })
  )
