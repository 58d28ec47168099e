import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as EffectLogger from "effect/Logger"
import type * as LogLevel from "effect/LogLevel"
import * as References from "effect/References"
import { DebugLines, type RequestLines } from "../services/DebugLines.ts"
import { encodeEvent } from "../services/LogEncoder.ts"
import { LogLevels, namesOf } from "../services/LogLevels.ts"
import { Logs } from "../services/Logs.ts"

/**
 * Makes the logger: each call is encoded at once and offered to `Logs` before it returns.
 *
 * **Details**
 *
 * Effect leaves out what is below a fiber's minimum level and costs nothing here. Fibers whose minimum was lowered to
 * `All`, since a level was changed or lines of a request are kept, have theirs looked at one by one.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make: Effect.Effect<EffectLogger.Logger<unknown, void>, never, Logs> = Effect.gen(function*() {
  const logs = yield* Logs
  const levels = yield* LogLevels
  return EffectLogger.make((options) => {
    const { cause, date, fiber, logLevel, message } = options
    const level = logLevel === "All" || logLevel === "None" ? "Info" : logLevel
    const span = fiber.cache.span
    let below = false
    let kept: RequestLines | undefined
    if (fiber.cache.minimumLogLevel === "All") {
      kept = fiber.getRef(DebugLines)
      below = (kept !== undefined || levels.changed) && !levels.admits(level, namesOf(fiber))
      if (below && kept === undefined) return
    }
    const event = encodeEvent({
      timestamp: date.getTime(),
      level,
      message,
      traceId: span?.traceId,
      spanId: span?.spanId,
      annotations: fiber.getRef(References.CurrentLogAnnotations),
      spans: fiber.getRef(References.CurrentLogSpans),
      cause
    })
    if (below) {
      kept?.add(event)
    } else {
      logs.offer(event)
      if (span !== undefined) trace(options)
    }
  })
})

// Effect's own logger for span events formats what it is given unguarded: a hostile value would end the fiber
const trace = (options: EffectLogger.Options<unknown>) => {
  try {
    EffectLogger.tracerLogger.log(options)
  } catch {
    // the entry itself was logged
  }
}

/**
 * Sends everything logged through Effect to `Logs`, and to the current span as events. Replaces all other loggers.
 *
 * @category layers
 * @since 1.1.0
 */
export const layer: Layer.Layer<never, never, Logs> = EffectLogger.layer([make])

/**
 * Sets the lowest level that is logged.
 *
 * @category layers
 * @since 1.1.0
 */
export const layerMinimumLevel = (level: LogLevel.LogLevel): Layer.Layer<never> =>
  Layer.succeed(References.MinimumLogLevel, level)
