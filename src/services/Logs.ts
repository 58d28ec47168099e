import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type LogEvent, LogSink } from "./LogSink.ts"
import { Recent } from "./Recent.ts"

/**
 * The one way of a log event: into the ring of recent entries, then to the sink. Synchronous, never throws.
 *
 * @category services
 * @since 1.1.0
 */
export class Logs extends Context.Service<Logs, {
  readonly offer: (event: LogEvent) => void
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
    return {
      offer: (event) => {
        logs.push(event)
        sink.offer(event)
      }
    }
  })
)
