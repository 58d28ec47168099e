import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Random from "effect/Random"
import {
  type CheckOptions,
  type CheckReport,
  Health,
  historySize,
  type Hysteresis,
  step,
  unknown,
  worst
} from "../services/Health.ts"
import { makeRing, type Ring } from "../services/Recent.ts"

interface Registered {
  readonly name: string
  readonly description: string | undefined
  readonly critical: boolean
  readonly staleAfter: number
  hysteresis: Hysteresis
  time: number | undefined
  milliseconds: number
  /** The last that there was. */
  failure: string | undefined
  readonly history: Ring<"pass" | "fail">
}

const defaults = { timeout: Duration.seconds(2), interval: Duration.seconds(10), down: 3, up: 2 }
const jitterRatio = 0.1
const staleIntervals = 3
const longestOutput = 300

/**
 * Runs every registered check in a fiber of its own and answers from the last results.
 *
 * **Details**
 *
 * Checks run in parallel, at once and then at their interval ±10 %. A run that takes longer than its timeout counts as
 * failed and is interrupted; while it goes on all the same no other is started, and each interval counts as another
 * failure, so runs never pile up and a check that hangs goes down. A check without a result yet, or whose last one is
 * older than three intervals and the timeout, is `warn`. Going down is logged as `WARN`, coming back as `INFO`.
 *
 * **Gotchas**
 *
 * A check that blocks the event loop blocks everything: no timeout of the same process can bound it.
 *
 * @category layers
 * @since 1.1.0
 */
export const layer: Layer.Layer<Health> = Layer.effect(
  Health,
  Effect.gen(function*() {
    const clock = yield* Clock.Clock
    const checks = new Set<Registered>()

    const reportOf = (self: Registered): typeof CheckReport.Type => {
      const age = self.time === undefined ? 0 : Math.max(0, clock.currentTimeMillisUnsafe() - self.time)
      const stale = age > self.staleAfter
      const { successes } = self.hysteresis
      const down = self.hysteresis.state === "down"
      const output = self.time === undefined
        ? "not checked yet"
        : down
        ? `${self.failure}${successes === 0 ? "" : `; ${successes} good since`}`
        : stale
        ? "no result for a while"
        : undefined
      return {
        status: down && self.critical ? "fail" : down || stale || self.time === undefined ? "warn" : "pass",
        critical: self.critical,
        consecutiveFailures: self.hysteresis.failures,
        ...(self.description === undefined ? {} : { description: self.description }),
        ...(self.time === undefined ? {} : {
          time: new Date(self.time).toISOString(),
          ageMilliseconds: age,
          observedValue: self.milliseconds,
          observedUnit: "ms" as const,
          history: self.history.values()
        }),
        ...(output === undefined ? {} : { output })
      }
    }

    const report = () => {
      const byName = new Map<string, ReadonlyArray<typeof CheckReport.Type>>()
      for (const check of checks) byName.set(check.name, [...byName.get(check.name) ?? [], reportOf(check)])
      return {
        status: worst([...byName.values()].flat().map(({ status }) => status)),
        checks: Object.fromEntries(byName)
      }
    }

    return {
      register: (options) => watch(checks, options),
      report,
      status: () => report().status
    }
  })
)

const watch = Effect.fnUntraced(function*(checks: Set<Registered>, options: CheckOptions) {
  const { check, critical = true, description, down = defaults.down, name, up = defaults.up } = options
  const timeout = Duration.fromInputUnsafe(options.timeout ?? defaults.timeout)
  const interval = Duration.fromInputUnsafe(options.interval ?? defaults.interval)
  const self: Registered = {
    name,
    description,
    critical,
    staleAfter: Duration.toMillis(interval) * staleIntervals + Duration.toMillis(timeout),
    hysteresis: unknown,
    time: undefined,
    milliseconds: 0,
    failure: undefined,
    history: makeRing(historySize)
  }
  yield* Effect.acquireRelease(
    Effect.sync(() => checks.add(self)),
    () => Effect.sync(() => checks.delete(self))
  )

  const take = Effect.fnUntraced(function*(startedAt: number, failure: string | undefined) {
    const before = self.hysteresis.state
    const now = yield* Clock.currentTimeMillis
    self.time = now
    self.milliseconds = now - startedAt
    self.failure = failure ?? self.failure
    self.history.push(failure === undefined ? "pass" : "fail")
    self.hysteresis = step(self.hysteresis, failure === undefined, { down, up })
    if (self.hysteresis.state === before) return
    if (self.hysteresis.state === "down") yield* Effect.logWarning(`check ${name} is down`, { output: failure })
    else if (before === "down") yield* Effect.logInfo(`check ${name} is up`)
  })

  // Detached: a check that cannot be interrupted must delay neither the next look at it nor the end of the service.
  const run = Effect.gen(function*() {
    const startedAt = yield* Clock.currentTimeMillis
    const fiber = yield* Effect.forkDetach(Effect.suspend(() => check))
    const stop = Effect.sync(() => fiber.interruptUnsafe())
    const exitWithin = (duration: Duration.Duration) => Effect.timeoutOption(Fiber.await(fiber), duration)
    const exit = yield* Effect.onInterrupt(exitWithin(timeout), () => stop)
    if (Option.isSome(exit)) return yield* take(startedAt, failureOf(exit.value))
    yield* stop
    do yield* take(startedAt, `no answer within ${Duration.format(timeout)}`)
    while (Option.isNone(yield* exitWithin(interval)))
  })

  const pause = Effect.flatMap(
    Random.next,
    (random) => Effect.sleep(Duration.times(interval, 1 + (random * 2 - 1) * jitterRatio))
  )
  yield* Effect.exit(run).pipe(Effect.andThen(pause), Effect.forever, Effect.forkScoped)
})

const failureOf = (exit: Exit.Exit<unknown, unknown>): string | undefined => {
  if (Exit.isSuccess(exit)) return undefined
  const text = messageOf(Cause.squash(exit.cause)).split(/\n\s+at /, 1)[0] ?? ""
  return text.length > longestOutput ? `${text.slice(0, longestOutput - 1)}…` : text || "the check failed"
}

// Errors are foreign code: reading one may throw. Node's AggregateError, of a refused connection, says nothing itself.
const messageOf = (error: unknown): string => {
  try {
    if (typeof error === "string") return error
    if (Predicate.hasProperty(error, "message") && typeof error.message === "string" && error.message !== "") {
      return error.message
    }
    if (error instanceof AggregateError) return error.errors.map(messageOf).join("; ")
    if (Predicate.hasProperty(error, "_tag") && typeof error._tag === "string") return error._tag
    return error instanceof Error ? error.name : ""
  } catch {
    return ""
  }
}
