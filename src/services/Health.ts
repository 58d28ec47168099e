import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"

/**
 * How a check, or the service, is: `warn` still serves.
 *
 * @category models
 * @since 1.1.0
 */
export const Status = Schema.Literals(["pass", "warn", "fail"])

/**
 * @category models
 * @since 1.1.0
 */
export type Status = typeof Status.Type

/**
 * One check of something the service depends on.
 *
 * **Details**
 *
 * A critical check (the default) that is down makes the service `fail`, another one `warn`. `check` runs every
 * `interval` (default 10 seconds) and has `timeout` (default 2 seconds) to succeed. Its first result counts at once;
 * from then on it takes `down` (3) failures in a row to go down and `up` (2) successes to come back. Until that first
 * result it is `warn`.
 *
 * @category models
 * @since 1.1.0
 */
export interface CheckOptions<E = unknown, R = never> {
  readonly name: string
  readonly description?: string | undefined
  readonly check: Effect.Effect<unknown, E, R>
  readonly critical?: boolean | undefined
  readonly timeout?: Duration.Input | undefined
  readonly interval?: Duration.Input | undefined
  readonly down?: number | undefined
  readonly up?: number | undefined
}

/**
 * How many results of a check are kept.
 *
 * @category constants
 * @since 1.1.0
 */
export const historySize = 20

/**
 * One check's state in `application/health+json` (draft-inadarei-api-health-check).
 *
 * `time` is when the last result came, `ageMilliseconds` how long before the report, `observedValue` how long the run
 * took in milliseconds, `output` why it is not `pass`: a message of 300 characters at most, never a stack. `history` is
 * the last {@link historySize} results, oldest first.
 *
 * @category models
 * @since 1.1.0
 */
export const CheckReport = Schema.Struct({
  status: Status,
  critical: Schema.Boolean,
  description: Schema.optionalKey(Schema.String),
  time: Schema.optionalKey(Schema.String),
  ageMilliseconds: Schema.optionalKey(Schema.Finite),
  observedValue: Schema.optionalKey(Schema.Finite),
  observedUnit: Schema.optionalKey(Schema.Literal("ms")),
  consecutiveFailures: Schema.Int,
  history: Schema.optionalKey(Schema.Array(Schema.Literals(["pass", "fail"]))),
  output: Schema.optionalKey(Schema.String)
})

/**
 * The state of the service and of all its checks, by name: what the health document says of them.
 *
 * @category models
 * @since 1.1.0
 */
export const HealthReport = Schema.Struct({
  status: Status,
  checks: Schema.Record(Schema.String, Schema.Array(CheckReport))
})

/**
 * @category models
 * @since 1.1.0
 */
export type HealthReport = typeof HealthReport.Type

/**
 * The health of the service, always answered at once from the last results.
 *
 * @category services
 * @since 1.1.0
 */
export class Health extends Context.Service<Health, {
  readonly register: (options: CheckOptions) => Effect.Effect<void, never, Scope.Scope>
  readonly report: () => HealthReport
  readonly status: () => Status
}>()("keelson/services/Health") {}

/**
 * Registers a check for as long as the layer lives. Its services are those of the layer; a scope is each run's own.
 *
 * @category layers
 * @since 1.1.0
 * @example
 * ```ts
 * const DatabaseCheck = check({ name: "database", check: Effect.flatMap(Database, (db) => db.ping) })
 * ```
 */
export const check = <E, R>(options: CheckOptions<E, R>): Layer.Layer<never, never, Health | Exclude<R, Scope.Scope>> =>
  Layer.effectDiscard(Effect.gen(function*() {
    const health = yield* Health
    const context = yield* Effect.context<Exclude<R, Scope.Scope>>()
    yield* health.register({ ...options, check: Effect.provideContext(Effect.scoped(options.check), context) })
  }))

/**
 * A check that is up or down, with what it takes to change that.
 *
 * @category models
 * @since 1.1.0
 */
export interface Hysteresis {
  readonly state: "unknown" | "up" | "down"
  readonly failures: number
  readonly successes: number
}

/**
 * The state before the first result.
 *
 * @category constants
 * @since 1.1.0
 */
export const unknown: Hysteresis = { state: "unknown", failures: 0, successes: 0 }

/**
 * Takes one result in: the first decides, then `down` failures or `up` successes in a row change the state.
 *
 * @category combinators
 * @since 1.1.0
 */
export const step = (
  self: Hysteresis,
  success: boolean,
  limits: { readonly down: number; readonly up: number }
): Hysteresis => {
  const failures = success ? 0 : self.failures + 1
  const successes = success ? self.successes + 1 : 0
  const state = self.state === "unknown"
    ? success ? "up" : "down"
    : self.state === "up"
    ? failures >= limits.down ? "down" : "up"
    : successes >= limits.up
    ? "up"
    : "down"
  return { state, failures, successes }
}

/**
 * The worst of all: `fail` over `warn` over `pass`.
 *
 * @category combinators
 * @since 1.1.0
 */
export const worst = (statuses: Iterable<Status>): Status => {
  let result: Status = "pass"
  for (const status of statuses) {
    if (status === "fail") return "fail"
    if (status === "warn") result = "warn"
  }
  return result
}

/**
 * Healthy, with no checks run; registered names are listed as passing. For tests.
 *
 * @category testing
 * @since 1.1.0
 */
export const layerMemory: Layer.Layer<Health> = Layer.effect(
  Health,
  Effect.sync(() => {
    const checks = new Map<string, ReadonlyArray<typeof CheckReport.Type>>()
    return {
      register: ({ critical = true, name }) =>
        Effect.sync(() => {
          checks.set(name, [{ status: "pass", critical, consecutiveFailures: 0 }])
        }),
      report: () => ({ status: "pass", checks: Object.fromEntries(checks) }),
      status: () => "pass" as const
    }
  })
)
