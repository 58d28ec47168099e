import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as LogLevel from "effect/LogLevel"
import * as References from "effect/References"
import { DebugLines } from "../services/DebugLines.ts"
import { type Change, type Levels, LogLevels, make } from "../services/LogLevels.ts"

/**
 * The lowest level that is logged, to be changed for a while as the service runs.
 *
 * **Details**
 *
 * Each change is logged as `WARN`, whatever the levels are, with who asked; so is its end, which comes by itself.
 *
 * @category layers
 * @since 1.1.0
 */
export const layer = (base: LogLevel.LogLevel): Layer.Layer<never> =>
  Layer.effectContext(Effect.gen(function*() {
    const scope = yield* Effect.scope
    const levels = make(base)
    const change = levels.apply
    const announce = (message: string, fields: Readonly<Record<string, unknown>>) =>
      // A minimum of its own, which no change replaces: the line that says `none` must be seen.
      Effect.provideService(
        Effect.logWarning(message, fields),
        References.MinimumLogLevel,
        base === "Trace" ? "Debug" : "Trace"
      )

    const expire = (change: Change) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.sleep(Duration.millis(change.until - now))).pipe(
        Effect.andThen(Effect.suspend(() => levels.drop(change) ? ended(change, "its time is over") : Effect.void))
      )

    const ended = (change: Change, why: string) =>
      announce(`log level of ${change.name ?? "everything"} is no longer ${change.level.toLowerCase()}: ${why}`, {
        logger: change.name,
        log_level: change.level.toLowerCase()
      })

    const apply: Levels["apply"] = Effect.fnUntraced(function*(asked, by) {
      const replaced = yield* change(asked, by)
      if (asked.level === undefined) {
        for (const change of replaced) yield* ended(change, `asked by ${by}`)
        return replaced
      }
      const now = levels.state().changes.at(-1)
      if (now === undefined) return replaced
      yield* announce(
        `log level of ${now.name ?? "everything"} is ${now.level.toLowerCase()} for ${
          Duration.format(asked.lasting)
        }, asked by ${by}`,
        {
          logger: now.name,
          log_level: now.level.toLowerCase(),
          until: new Date(now.until).toISOString(),
          by
        }
      )
      yield* Effect.forkIn(expire(now), scope)
      return replaced
    })

    return Context.make(LogLevels, Object.assign(levels, { apply })).pipe(Context.add(References.MinimumLogLevel, base))
  }))

/**
 * Gives a fiber the minimum of now, unless the app gave it one of its own.
 *
 * A fiber keeps the minimum it began with, or its layer was built with; this is called before each of its operations
 * once a level was changed, so that no fiber misses it.
 *
 * @category combinators
 * @since 1.1.0
 */
export const adjust = (fiber: Fiber.Fiber<unknown, unknown>, { minimum, state }: Levels): void => {
  const { minimumLogLevel } = fiber.cache
  if (minimumLogLevel === minimum) return
  const ours = minimum === "All"
    ? minimumLogLevel === state().base
    : minimumLogLevel === "All" && fiber.getRef(DebugLines) === undefined
  if (ours) fiber.setContext(Context.add(fiber.context, References.MinimumLogLevel, minimum))
}
