import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as LogLevel from "effect/LogLevel"

/**
 * One encoded log line on its way to a sink.
 *
 * `timestamp` is milliseconds since the epoch, `line` is one JSON object without a line break, `bytes` how many it has as
 * UTF-8 where that is known.
 *
 * @category models
 * @since 1.1.0
 */
export interface LogEvent {
  readonly timestamp: number
  readonly level: LogLevel.Severity
  readonly line: string
  readonly bytes?: number | undefined
}

/**
 * Where log lines go: stdout, CloudWatch Logs or memory.
 *
 * `offer` is synchronous, never throws and never blocks; what a sink cannot keep it counts in `dropped`.
 * `flush` completes when everything offered before it was handed over.
 *
 * @category services
 * @since 1.1.0
 */
export class LogSink extends Context.Service<LogSink, {
  readonly offer: (event: LogEvent) => void
  readonly dropped: () => number
  readonly flush: Effect.Effect<void>
}>()("keelson/services/LogSink") {}

/**
 * What {@link layerMemory} received, oldest first.
 *
 * @category testing
 * @since 1.1.0
 */
export class LogSinkMemory extends Context.Service<LogSinkMemory, {
  readonly events: ReadonlyArray<LogEvent>
}>()("keelson/services/LogSink/LogSinkMemory") {}

/**
 * A sink that keeps every event in memory, for tests.
 *
 * @category testing
 * @since 1.1.0
 */
export const layerMemory: Layer.Layer<LogSink | LogSinkMemory> = Layer.effectContext(Effect.sync(() => {
  const events: Array<LogEvent> = []
  return Context.make(LogSinkMemory, { events }).pipe(
    Context.add(LogSink, {
      offer: (event) => {
        events.push(event)
      },
      dropped: () => 0,
      flush: Effect.void
    })
  )
}))
