import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import type * as LogLevel from "effect/LogLevel"
import * as Result from "effect/Result"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import { configError } from "./ExitCode.ts"

/**
 * One named value found at start: where it may come from, how its text is read, what it is otherwise.
 *
 * `parse` fails with what was expected, to be read after "expected".
 *
 * @category models
 * @since 1.1.0
 */
export interface Setting<A> {
  readonly flag: string
  readonly env: string
  readonly description: string
  readonly fallback: string
  readonly parse: (text: string) => Result.Result<A, string>
}

const setting = <A>(options: Setting<A>): Setting<A> => options

const port = (text: string): Result.Result<number, string> => {
  const value = Number(text)
  return /^\d+$/.test(text) && value <= 65_535
    ? Result.succeed(value)
    : Result.fail("a port from 0 (any free one) to 65535")
}

const host = (text: string): Result.Result<string, string> =>
  /^[\w.:-]+$/.test(text) ? Result.succeed(text) : Result.fail("an IP address or a host name")

const units: Record<string, string> = { ms: "millis", s: "seconds", m: "minutes", h: "hours" }

const duration = (text: string): Result.Result<Duration.Duration, string> => {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h)?$/i.exec(text)
  const unit = units[match?.[2]?.toLowerCase() ?? "s"]
  return match === null || unit === undefined
    ? Result.fail("a duration such as 500ms, 10s or 1m")
    : Result.succeed(Duration.millis(Number(match[1]) * Duration.toMillis(`1 ${unit}` as Duration.Input)))
}

const levels: Record<string, LogLevel.LogLevel> = {
  all: "All",
  trace: "Trace",
  debug: "Debug",
  info: "Info",
  warn: "Warn",
  warning: "Warn",
  error: "Error",
  fatal: "Fatal",
  none: "None",
  off: "None"
}

const logLevel = (text: string): Result.Result<LogLevel.LogLevel, string> => {
  const level = levels[text.toLowerCase()]
  return level === undefined
    ? Result.fail("one of trace, debug, info, warn, error, fatal, none")
    : Result.succeed(level)
}

/**
 * How log lines look: `auto` is pretty on a terminal and JSON otherwise.
 *
 * @category models
 * @since 1.1.0
 */
export type LogFormat = "auto" | "json" | "pretty"

const logFormat = (text: string): Result.Result<LogFormat, string> => {
  const format = text.toLowerCase()
  return format === "auto" || format === "json" || format === "pretty"
    ? Result.succeed(format)
    : Result.fail("one of auto, json, pretty")
}

/**
 * The chassis' own settings.
 *
 * @category constants
 * @since 1.1.0
 */
export const definitions = {
  host: setting({
    flag: "host",
    env: "HOST",
    description: "address of the service listener",
    fallback: "0.0.0.0",
    parse: host
  }),
  port: setting({
    flag: "port",
    env: "PORT",
    description: "port of the service listener, 0 for any free one",
    fallback: "8080",
    parse: port
  }),
  adminHost: setting({
    flag: "admin-host",
    env: "ADMIN_HOST",
    description: "address of the admin listener; anything but loopback exposes diagnostics",
    fallback: "127.0.0.1",
    parse: host
  }),
  adminPort: setting({
    flag: "admin-port",
    env: "ADMIN_PORT",
    description: "port of the admin listener, 0 for any free one",
    fallback: "9990",
    parse: port
  }),
  lameduck: setting({
    flag: "lameduck",
    env: "LAMEDUCK",
    description: "how long to keep serving, not ready, after SIGTERM",
    fallback: "0s",
    parse: duration
  }),
  shutdownDeadline: setting({
    flag: "shutdown-deadline",
    env: "SHUTDOWN_DEADLINE",
    description: "how long requests in flight may take after the lameduck delay",
    fallback: "10s",
    parse: duration
  }),
  logLevel: setting({
    flag: "log-level",
    env: "LOG_LEVEL",
    description: "lowest level that is logged",
    fallback: "info",
    parse: logLevel
  }),
  logFormat: setting({
    flag: "log-format",
    env: "LOG_FORMAT",
    description: "auto (pretty on a terminal), json or pretty",
    fallback: "auto",
    parse: logFormat
  }),
  metricsInterval: setting({
    flag: "metrics-interval",
    env: "METRICS_INTERVAL",
    description: "how often metrics are posted",
    fallback: "60s",
    parse: duration
  })
}

/**
 * The values of {@link definitions}.
 *
 * @category models
 * @since 1.1.0
 */
export type Values = {
  readonly [K in keyof typeof definitions]: (typeof definitions)[K] extends Setting<infer A> ? A : never
}

/**
 * One setting that cannot be used.
 *
 * @category errors
 * @since 1.1.0
 */
export const Problem = Schema.Struct({
  setting: Schema.String,
  source: Schema.String,
  value: Schema.String,
  expected: Schema.String
})

/**
 * Every bad setting of this start, in one report. The process exits 78 (`EX_CONFIG` of sysexits.h).
 *
 * @category errors
 * @since 1.1.0
 */
export class SettingsError extends Schema.TaggedError<SettingsError>()("SettingsError", {
  problems: Schema.Array(Problem)
}) {
  override readonly [Runtime.errorExitCode]: number = configError
  override get message(): string {
    return this.problems
      .map(({ expected, setting, source, value }) =>
        `${setting}: ${JSON.stringify(value)} from ${source}, expected ${expected}`
      )
      .join("; ")
  }
}

/**
 * The settings of this process, read once at start.
 *
 * @category references
 * @since 1.1.0
 */
export const Settings = Context.Reference<Values>("keelson/services/Settings", {
  defaultValue: () => Result.getOrThrow(resolve({}, {}))
})

/**
 * Reads every setting: flag > environment variable > default. An empty text counts as absent.
 *
 * Fails with all problems at once.
 *
 * @category constructors
 * @since 1.1.0
 * @example
 * ```ts
 * resolve({ port: "0" }, { LOG_LEVEL: "info" })
 * ```
 */
export const resolve = (
  flags: Readonly<Record<string, string | undefined>>,
  env: Readonly<Record<string, string | undefined>>
): Result.Result<Values, SettingsError> => {
  const problems: Array<typeof Problem.Type> = []
  const read = <A>(name: string, { env: variable, fallback, flag, parse }: Setting<A>): [string, A | undefined] => {
    const found = [
      { source: `--${flag}`, text: flags[flag] },
      { source: `environment variable ${variable}`, text: env[variable] }
    ].find(({ text }) => text !== undefined && text.trim() !== "") ?? { source: "default", text: fallback }
    const text = (found.text ?? fallback).trim()
    return [
      name,
      Result.getOrElse(parse(text), (expected) => {
        problems.push({ setting: name, source: found.source, value: text, expected })
        return undefined
      })
    ]
  }
  const values = Object.fromEntries(
    Object.entries(definitions).map(([name, definition]) => read(name, definition as Setting<unknown>))
  )
  return problems.length === 0 ? Result.succeed(values as Values) : Result.fail(new SettingsError({ problems }))
}
