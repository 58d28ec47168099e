import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"

/**
 * Until when (milliseconds since the epoch) the dangerous endpoints are there, and why.
 *
 * @category models
 * @since 1.1.0
 */
export interface Armed {
  readonly until: number
  readonly reason: string
}

/**
 * Who arms for how long, and why.
 *
 * @category models
 * @since 1.1.0
 */
export interface ArmOptions {
  readonly duration: Duration.Duration
  readonly reason: string
  readonly peer: string
}

/**
 * Arming that was refused; the message says what is wanted.
 *
 * @category errors
 * @since 1.1.0
 */
export class ArmRefused extends Schema.TaggedError<ArmRefused>()("ArmRefused", {
  message: Schema.String
}) {}

/**
 * Lets the dangerous endpoints exist for minutes, and says so.
 *
 * **Details**
 *
 * `armed` is asked before each of their answers, so it is a plain function of the clock: they are gone at `until`, not
 * when a timer gets its turn. Arming again replaces time and reason.
 *
 * @category services
 * @since 1.1.0
 */
export class BreakGlass extends Context.Service<BreakGlass, {
  readonly armed: () => Armed | undefined
  readonly arm: (options: ArmOptions) => Effect.Effect<Armed, ArmRefused>
  readonly disarm: (peer: string) => Effect.Effect<void>
}>()("keelson/services/BreakGlass") {}

/**
 * The longest that can be asked for.
 *
 * @category constants
 * @since 1.1.0
 */
export const longest = Duration.minutes(60)

const longestReason = 200

/**
 * What is wrong with a request to arm, if anything.
 *
 * @category guards
 * @since 1.1.0
 */
export const refusalOf = ({ duration, reason }: ArmOptions): ArmRefused | undefined => {
  if (Duration.isLessThanOrEqualTo(duration, Duration.zero) || Duration.isGreaterThan(duration, longest)) {
    return new ArmRefused({ message: `for takes more than 0 and at most ${Duration.format(longest)}` })
  }
  const length = reason.trim().length
  if (length === 0 || length > longestReason || /\p{Cc}/u.test(reason)) {
    return new ArmRefused({ message: `reason takes a line of 1 to ${longestReason} characters: the log will say it` })
  }
  return undefined
}

/**
 * Says nothing to anybody. For tests.
 *
 * @category testing
 * @since 1.1.0
 */
export const layerMemory: Layer.Layer<BreakGlass> = Layer.effect(
  BreakGlass,
  Effect.gen(function*() {
    const clock = yield* Clock.Clock
    const now = () => clock.currentTimeMillisUnsafe()
    let current: Armed | undefined
    return {
      armed: () => current !== undefined && now() < current.until ? current : undefined,
      arm: (options) =>
        Effect.suspend(() => {
          const refused = refusalOf(options)
          if (refused !== undefined) return Effect.fail(refused)
          current = { until: now() + Duration.toMillis(options.duration), reason: options.reason.trim() }
          return Effect.succeed(current)
        }),
      disarm: () =>
        Effect.sync(() => {
          current = undefined
        })
    }
  })
)
