import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as References from "effect/References"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Tracer from "effect/Tracer"
import { duration, logLevel } from "./SettingText.ts"
import { Operation } from "./TraceContext.ts"

/**
 * A log level that holds for a while: of everything, or of what has a name.
 *
 * `since` and `until` are milliseconds since the epoch, `by` is the address that asked.
 *
 * @category models
 * @since 1.1.0
 */
export interface Change {
  readonly level: LogLevel.LogLevel
  readonly name?: string | undefined
  readonly since: number
  readonly until: number
  readonly by: string
}

/**
 * What is asked for: a level for a while, or, without a level, the end of a change (of all, where no name is given).
 *
 * @category models
 * @since 1.1.0
 */
export interface Asked {
  readonly level: LogLevel.LogLevel | undefined
  readonly name: string | undefined
  readonly lasting: Duration.Duration
}

/**
 * The level of the settings and what is changed for now, one change for each name.
 *
 * @category models
 * @since 1.1.0
 */
export interface State {
  readonly base: LogLevel.LogLevel
  readonly changes: ReadonlyArray<Change>
}

/**
 * How long a change lasts when nobody says, and at most.
 *
 * @category constants
 * @since 1.1.0
 */
export const lasting = { unless: Duration.minutes(10), most: Duration.hours(24) } as const

const longestName = 200

/**
 * How many names may have a level of their own at a time.
 *
 * @category constants
 * @since 1.1.0
 */
export const mostNames = 50

/**
 * Reads what is asked for from the parameters of a request. Fails with all problems at once.
 *
 * @category parsing
 * @since 1.1.0
 * @example
 * ```ts
 * parse({ level: "debug", for: "5m", name: "orders.place" })
 * ```
 */
export const parse = (
  parameters: Readonly<Record<string, unknown>>
): Result.Result<Asked, ReadonlyArray<string>> => {
  const { for: length, level, name, ...others } = parameters
  const problems: Array<string> = []
  const refuse = (parameter: string, value: unknown, expected: string): undefined => {
    problems.push(
      value === undefined
        ? `${parameter} is missing, expected ${expected}`
        : `${parameter} is ${JSON.stringify(value)}, expected ${expected}`
    )
  }
  const read = <A>(parameter: string, value: unknown, parsed: (text: string) => Result.Result<A, string>) =>
    Result.getOrElse(
      typeof value === "string" ? parsed(value) : Result.fail("text"),
      (expected) => refuse(parameter, value, expected)
    )

  const found = read(
    "level",
    level ?? "",
    (text) =>
      text === "default" ?
        Result.succeed(undefined) :
        Result.mapError(logLevel(text), (expected) => `${expected}, or default`)
  )
  const lasts = length === undefined ?
    lasting.unless :
    read(
      "for",
      length,
      (text) =>
        Result.flatMap(
          duration(text),
          (value) =>
            Duration.isGreaterThan(value, Duration.zero) && Duration.isLessThanOrEqualTo(value, lasting.most)
              ? Result.succeed(value)
              : Result.fail("more than 0 and at most 24h")
        )
    )
  const named = name === undefined ?
    undefined :
    read("name", name, (text) =>
      text.length > 0 && text.length <= longestName
        ? Result.succeed(text)
        : Result.fail(`1 to ${longestName} characters: the name of a span, an operation or a logger`))
  for (const [parameter, value] of Object.entries(others)) {
    refuse(parameter, value, "only level, for and name")
  }
  return problems.length === 0
    ? Result.succeed({ level: found, name: named, lasting: lasts ?? lasting.unless })
    : Result.fail(problems)
}

const matches = (name: string, { name: wanted = "" }: Change): boolean =>
  wanted !== "" && (name === wanted || name.startsWith(`${wanted}.`))

/**
 * The level that holds for what has these names: that of the longest name that was given one, else the one for
 * everything. A name holds for what is below it too: `db` for `db.query`.
 *
 * @category getters
 * @since 1.1.0
 */
export const levelOf = ({ base, changes }: State, names: Iterable<string>): LogLevel.LogLevel => {
  let level = changes.find(({ name }) => name === undefined)?.level ?? base
  let longest = 0
  for (const name of changes.length === 0 ? [] : names) {
    for (const change of changes) {
      const { length = 0 } = change.name ?? ""
      if (length > longest && matches(name, change)) {
        longest = length
        level = change.level
      }
    }
  }
  return level
}

/**
 * The names that a line of a fiber has: its annotation `logger`, the spans and log spans around it, the operation.
 *
 * @category getters
 * @since 1.1.0
 */
export function* namesOf(fiber: Fiber.Fiber<unknown, unknown>): Generator<string> {
  const { logger } = fiber.getRef(References.CurrentLogAnnotations)
  if (typeof logger === "string") yield logger
  for (const [label] of fiber.getRef(References.CurrentLogSpans)) yield label
  let span: Tracer.AnySpan | undefined = fiber.cache.span
  while (span !== undefined) {
    if (span._tag === "Span") yield span.name
    const operation = Context.get(span.annotations, Operation)
    if (operation !== undefined) yield operation
    span = span._tag === "Span" ? Option.getOrUndefined(span.parent) : undefined
  }
}

/**
 * The levels of this process as they are now.
 *
 * **Details**
 *
 * `changed` is false until the first change and true ever after: only then need fibers and lines be looked at one by
 * one. `minimum` is what fibers are to let through now, `All` while there is a change; a fiber whose minimum is
 * something else than that of the settings was told so by the app, and is left alone.
 *
 * @category models
 * @since 1.1.0
 */
export interface Levels {
  readonly changed: boolean
  readonly minimum: LogLevel.LogLevel
  readonly state: () => State
  readonly admits: (level: LogLevel.LogLevel, names: Iterable<string>) => boolean
  /** Sets, replaces or ends changes, for whoever is at the address `by`; the changes that were ended are returned. */
  readonly apply: (asked: Asked, by: string) => Effect.Effect<ReadonlyArray<Change>, TooManyNames>
}

/**
 * No more names can have a level of their own.
 *
 * @category errors
 * @since 1.1.0
 */
export class TooManyNames extends Schema.TaggedError<TooManyNames>()("TooManyNames", {
  message: Schema.String
}) {}

/**
 * Makes levels that nothing but `apply` changes.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = (base: LogLevel.LogLevel): Levels & { readonly drop: (change: Change) => boolean } => {
  let changes: ReadonlyArray<Change> = []
  const reachesBase = new Set(LogLevel.values.filter((level) => LogLevel.isGreaterThanOrEqualTo(level, base)))
  const put = (next: ReadonlyArray<Change>) => {
    changes = next
    levels.changed ||= next.length > 0
    levels.minimum = next.length > 0 ? "All" : base
  }
  const levels = {
    changed: false,
    minimum: base,
    state: () => ({ base, changes }),
    admits: (level: LogLevel.LogLevel, names: Iterable<string>) =>
      changes.length === 0
        ? reachesBase.has(level)
        : LogLevel.isGreaterThanOrEqualTo(level, levelOf({ base, changes }, names)),
    apply: ({ lasting, level, name }: Asked, by: string) =>
      Effect.flatMap(Clock.currentTimeMillis, (since) => {
        const ended = changes.filter((change) => change.name === name || (level === undefined && name === undefined))
        const kept = changes.filter((change) => !ended.includes(change))
        if (level !== undefined && kept.length >= mostNames) {
          return Effect.fail(
            new TooManyNames({ message: `${mostNames} names have a level of their own already; end one of them first` })
          )
        }
        put(
          level === undefined ? kept : [...kept, { level, name, since, until: since + Duration.toMillis(lasting), by }]
        )
        return Effect.succeed(ended)
      }),
    drop: (change: Change) => {
      const there = changes.includes(change)
      if (there) put(changes.filter((other) => other !== change))
      return there
    }
  }
  return levels
}

/**
 * The log levels of this process, and what is changed for now; by default `Info`.
 *
 * @category references
 * @since 1.1.0
 */
export const LogLevels = Context.Reference<Levels>("keelson/services/LogLevels", { defaultValue: () => make("Info") })

/**
 * Levels that stay as they are set, for tests: nothing reverts by itself and nothing is logged.
 *
 * @category testing
 * @since 1.1.0
 */
export const layerMemory: Layer.Layer<never> = Layer.sync(LogLevels, () => make("Info"))

/**
 * The changes as people and machines read them, newest last.
 *
 * @category conversions
 * @since 1.1.0
 */
export const toJson = ({ base, changes }: State) => ({
  level: levelOf({ base, changes }, []).toLowerCase(),
  default: base.toLowerCase(),
  changes: changes.map(({ by, level, name, since, until }) => ({
    level: level.toLowerCase(),
    ...(name === undefined ? {} : { name }),
    since: new Date(since).toISOString(),
    until: new Date(until).toISOString(),
    by
  }))
})

/**
 * The levels in a few words.
 *
 * @category rendering
 * @since 1.1.0
 */
export const describe = ({ changes, default: base }: ReturnType<typeof toJson>): string =>
  changes.length === 0
    ? base
    : changes.map(({ by, level, name, until }) =>
      `${level} for ${name ?? "everything"} until ${until.slice(0, 19)}Z (${by})`
    ).join("; ") + `; then ${base}`
