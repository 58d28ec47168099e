import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as EffectLogger from "effect/Logger"
import type * as LogLevel from "effect/LogLevel"
import * as References from "effect/References"
import { encode } from "../services/LogEncoder.ts"
import { Logs } from "../services/Logs.ts"

/**
 * Makes the logger: each call is encoded at once and offered to `Logs` before it returns.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make: Effect.Effect<EffectLogger.Logger<unknown, void>, never, Logs> = Effect.gen(function*() {
  const logs = yield* Logs
  return EffectLogger.make(({ cause, date, fiber, logLevel, message }) => {
    const timestamp = date.getTime()
    const level = logLevel === "All" || logLevel === "None" ? "Info" : logLevel
    const span = fiber.cache.span
    logs.offer({
      timestamp,
      level,
      line: encode({
        timestamp,
        level,
        message,
        traceId: span?.traceId,
        spanId: span?.spanId,
        annotations: fiber.getRef(References.CurrentLogAnnotations),
        spans: fiber.getRef(References.CurrentLogSpans),
        cause
      })
    })
  })
})

// Effect's own logger for span events formats what it is given unguarded: a hostile value would end the fiber
const tracer = EffectLogger.make<unknown, void>((options) => {
  try {
    EffectLogger.tracerLogger.log(options)
  } catch {
    // the entry itself was logged
  }
})

/**
 * Sends everything logged through Effect to `Logs`, and to the current span as events. Replaces all other loggers.
 *
 * @category layers
 * @since 1.1.0
 */
export const layer: Layer.Layer<never, never, Logs> = EffectLogger.layer([make, tracer])

/**
 * Sets the lowest level that is logged.
 *
 * @category layers
 * @since 1.1.0
 */
export const layerMinimumLevel = (level: LogLevel.LogLevel): Layer.Layer<never> =>
  Layer.succeed(References.MinimumLogLevel, level)
