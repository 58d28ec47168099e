import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type LogEvent, LogSink } from "./LogSink.ts"
import { Recent } from "./Recent.ts"

/**
 * The one way of a log event: into the ring of recent entries, to the sink, to who follows. Synchronous, never throws.
 *
 * `follow` hands every event from now on to a listener, which must not throw, until the function it returns is called.
 *
 * @category services
 * @since 1.1.0
 */
export class Logs extends Context.Service<Logs, {
  readonly offer: (event: LogEvent) => void
  readonly follow: (listener: (event: LogEvent) => void) => () => void
}>()("keelson/services/Logs") {}

/**
 * Feeds `Recent` and the `LogSink` of the context.
 *
 * @category layers
 * @since 1.1.0
 */
export const layer: Layer.Layer<Logs, never, LogSink | Recent> = Layer.effect(
  Logs,
  Effect.gen(function*() {
    const { logs } = yield* Recent
    const sink = yield* LogSink
    const listeners = new Set<(event: LogEvent) => void>()
    let followed = false
    return {
      offer: (event) => {
        logs.push(event)
        sink.offer(event)
        if (followed) { for (const listener of listeners) listener(event) }
      },
      follow: (listener) => {
        listeners.add(listener)
        followed = true
        return () => {
          listeners.delete(listener)
          followed = listeners.size > 0
        }
      }
    }
  })
)
