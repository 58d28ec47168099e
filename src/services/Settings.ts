import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import type * as LogLevel from "effect/LogLevel"
import * as Result from "effect/Result"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import type { Kind } from "./Environment.ts"
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
  /** What it is otherwise where there is a load balancer to wait for. */
  readonly fallbackOnAws?: string
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

const units: Record<string, string> = {
  ms: "millis",
  millisecond: "millis",
  s: "seconds",
  sec: "seconds",
  second: "seconds",
  m: "minutes",
  min: "minutes",
  minute: "minutes",
  h: "hours",
  hour: "hours"
}

/**
 * Reads a duration: a number with `ms`, `s`, `m` or `h`; seconds without. Fails with what was expected.
 *
 * @category parsing
 * @since 1.1.0
 * @example
 * ```ts
 * duration("10m")
 * ```
 */
export const duration = (text: string): Result.Result<Duration.Duration, string> => {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|(?:millisecond|second|sec|minute|min|hour)(?=s?$))?s?$/i.exec(text)
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

/**
 * Reads a log level, in any case. Fails with what was expected.
 *
 * @category parsing
 * @since 1.1.0
 */
export const logLevel = (text: string): Result.Result<LogLevel.LogLevel, string> => {
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

const oneOf = <const A extends string>(choices: ReadonlyArray<A>) => (text: string): Result.Result<A, string> => {
  const choice = choices.find((choice) => choice === text.toLowerCase())
  return choice === undefined ? Result.fail(`one of ${choices.join(", ")}`) : Result.succeed(choice)
}

const yes = ["on", "true", "yes", "1"]
const no = ["off", "false", "no", "0"]

const onOff = (text: string): Result.Result<boolean, string> => {
  const word = text.toLowerCase()
  return yes.includes(word) || no.includes(word) ? Result.succeed(yes.includes(word)) : Result.fail("on or off")
}

const logGroup = (text: string): Result.Result<string, string> =>
  /^(?!aws\/)[\w\-/.#]{1,512}$/.test(text.replaceAll(servicePlaceholder, "x"))
    ? Result.succeed(text)
    : Result.fail("1 to 512 of letters, digits and _ - / . #, not starting with aws/")

const stackName = (text: string): Result.Result<string, string> =>
  /^[A-Za-z][\w-]{0,127}$|^arn:/.test(text)
    ? Result.succeed(text)
    : Result.fail("auto, or the name or id of a CloudFormation stack")

const namespace = (text: string): Result.Result<string, string> =>
  /^(?!:)(?!AWS\/)[\x20-\x7e]{1,255}$/.test(text)
    ? Result.succeed(text)
    : Result.fail("1 to 255 ASCII characters, not starting with a colon or AWS/")

// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
const retentions = "1 3 5 7 14 30 60 90 120 150 180 365 400 545 731 1096 1827 2192 2557 2922 3288 3653".split(" ")

const retention = (text: string): Result.Result<number | undefined, string> => {
  if (text.toLowerCase() === "never") return Result.succeed(undefined)
  return retentions.includes(text)
    ? Result.succeed(Number(text))
    : Result.fail(`never, or days: one of ${retentions.join(", ")}`)
}

const bytes = (least: number, expected: string) => (text: string): Result.Result<number, string> => {
  const match = /^(\d+)\s*(KiB|MiB|GiB)?$/i.exec(text)
  const factor = { "": 1, kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30 }[(match?.[2] ?? "").toLowerCase()]
  const size = Number(match?.[1]) * (factor ?? 1)
  return match === null || size < least ? Result.fail(expected) : Result.succeed(size)
}

const count = (text: string): Result.Result<number, string> =>
  /^[1-9]\d{0,8}$/.test(text) ? Result.succeed(Number(text)) : Result.fail("a number from 1 to 999999999")

const positive = (text: string): Result.Result<Duration.Duration, string> =>
  Result.flatMap(
    duration(text),
    (value) => Duration.toMillis(value) >= 1 ? Result.succeed(value) : Result.fail("a duration of 1ms or more")
  )

const hosts = (text: string): Result.Result<ReadonlyArray<string>, string> => {
  const names = text === "none" ? [] : text.toLowerCase().split(",").map((name) => name.trim())
  return names.every((name) => /^[\w.-]+$/.test(name))
    ? Result.succeed(names)
    : Result.fail("host names with commas between them, or none")
}

/**
 * Stands for the service's name in `logGroup` and `metricsNamespace`.
 *
 * @category constants
 * @since 1.1.0
 */
export const servicePlaceholder = "<service>"

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
    description: "address of the service listener, :: for every one, IPv4 too",
    fallback: "::",
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
  adminNames: setting({
    flag: "admin-names",
    env: "ADMIN_NAMES",
    description: "names, besides addresses, that the admin listener answers to where it is not on loopback",
    fallback: "none",
    parse: hosts
  }),
  maxBody: setting({
    flag: "max-body",
    env: "MAX_BODY",
    description: "largest request body that is taken",
    fallback: "1MiB",
    parse: bytes(0, "a size such as 64KiB or 1MiB")
  }),
  maxInFlight: setting({
    flag: "max-in-flight",
    env: "MAX_IN_FLIGHT",
    description: "requests of the service listener that may be under way at a time; more are told to come back",
    fallback: "1000",
    parse: count
  }),
  requestTimeout: setting({
    flag: "request-timeout",
    env: "REQUEST_TIMEOUT",
    description: "how long a request, body included, may take to arrive",
    fallback: "60s",
    parse: positive
  }),
  lameduck: setting({
    flag: "lameduck",
    env: "LAMEDUCK",
    description: "how long to keep serving, not ready, after SIGTERM",
    fallback: "0s",
    fallbackOnAws: "5s",
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
  debugBuffer: setting({
    flag: "debug-buffer",
    env: "DEBUG_BUFFER",
    description: "on keeps the lines of a request below the log level, and logs them if it fails",
    fallback: "off",
    parse: onOff
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
  }),
  environment: setting({
    flag: "environment",
    env: "KEELSON_ENVIRONMENT",
    description: "auto (found without any request), local, ec2 or ecs; only local keeps logs and metrics here",
    fallback: "auto",
    parse: oneOf(["auto", "local", "ec2", "ecs"])
  }),
  stack: setting({
    flag: "stack",
    env: "STACK",
    description: "CloudFormation stack whose outputs are settings; auto is the instance's own",
    fallback: "auto",
    parse: stackName
  }),
  settingsMode: setting({
    flag: "settings",
    env: "KEELSON_SETTINGS",
    description: "required: no start without the stack's outputs; optional: start with the defaults and warn",
    fallback: "required",
    parse: oneOf(["required", "optional"])
  }),
  discoveryDeadline: setting({
    flag: "discovery-deadline",
    env: "DISCOVERY_DEADLINE",
    description: "how long finding the stack's outputs may take",
    fallback: "10s",
    parse: duration
  }),
  outputsInterval: setting({
    flag: "outputs-interval",
    env: "OUTPUTS_INTERVAL",
    description: "how often the stack's outputs are read again",
    fallback: "5m",
    parse: duration
  }),
  logGroup: setting({
    flag: "log-group",
    env: "LOG_GROUP",
    description: "CloudWatch log group",
    fallback: `/${servicePlaceholder}`,
    parse: logGroup
  }),
  logRetention: setting({
    flag: "log-retention",
    env: "LOG_RETENTION",
    description: "days a log group keeps events that this service had to create itself, or never",
    fallback: "30",
    parse: retention
  }),
  metricsNamespace: setting({
    flag: "metrics-namespace",
    env: "METRICS_NAMESPACE",
    description: "CloudWatch metrics namespace",
    fallback: servicePlaceholder,
    parse: namespace
  }),
  metricsResolution: setting({
    flag: "metrics-resolution",
    env: "METRICS_RESOLUTION",
    description: "60, or 1 for high resolution, which costs more; seconds",
    fallback: "60",
    parse: (text) => Result.map(oneOf(["1", "60"])(text), (text) => text === "1" ? 1 as const : 60 as const)
  }),
  metricsInstance: setting({
    flag: "metrics-instance",
    env: "METRICS_INSTANCE",
    description: "on gives every series the instance as dimension: as many series as instances",
    fallback: "off",
    parse: onOff
  }),
  metricsAmbiguous: setting({
    flag: "metrics-ambiguous",
    env: "METRICS_AMBIGUOUS",
    description:
      "what to do with metrics that may or may not have been taken: retry (may count twice) or drop (may lose)",
    fallback: "retry",
    parse: oneOf(["retry", "drop"])
  }),
  fibers: setting({
    flag: "fibers",
    env: "FIBERS",
    description: "on keeps a list of live fibers, for profiles; off only counts them",
    fallback: "on",
    parse: onOff
  }),
  heapSampling: setting({
    flag: "heap-sampling",
    env: "HEAP_SAMPLING",
    description: "on samples allocations from the start, so that heap profiles know what is older than the request",
    fallback: "off",
    parse: onOff
  }),
  telemetryBuffer: setting({
    flag: "telemetry-buffer",
    env: "TELEMETRY_BUFFER",
    description: "how much of the logs is kept while CloudWatch does not take them",
    fallback: "32MiB",
    parse: bytes(2 ** 20, "1MiB or more, such as 32MiB")
  }),
  flushDeadline: setting({
    flag: "flush-deadline",
    env: "FLUSH_DEADLINE",
    description: "how long the end may take to deliver logs and metrics",
    fallback: "10s",
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
 * The names of {@link definitions}.
 *
 * @category constants
 * @since 1.1.0
 */
export const names = Object.keys(definitions) as ReadonlyArray<keyof Values>

/**
 * One setting that cannot be used: a text that is none, with the source that had it, or none at all. `tried` has every
 * source that was asked, in the order in which they were.
 *
 * @category errors
 * @since 1.1.0
 */
export const Problem = Schema.Struct({
  setting: Schema.String,
  source: Schema.optionalKey(Schema.String),
  /** Absent where it may be a secret. */
  value: Schema.optionalKey(Schema.String),
  expected: Schema.String,
  tried: Schema.Array(Schema.String)
})

/**
 * Every missing or bad setting of this start, in one report. The process exits 78 (`EX_CONFIG` of sysexits.h).
 *
 * @category errors
 * @since 1.1.0
 */
export class SettingsError extends Schema.TaggedError<SettingsError>()("SettingsError", {
  problems: Schema.Array(Problem)
}) {
  override readonly [Runtime.errorExitCode]: number = configError
  override get message(): string {
    return this.problems.map((problem) => `${problem.setting} ${describe(problem)}`).join("\n")
  }
}

const describe = ({ expected, source, tried, value }: typeof Problem.Type): string =>
  source === undefined
    ? `is missing, expected ${expected}; tried ${tried.join(", ")}`
    : `is ${value === undefined ? "of no use" : JSON.stringify(value)} in ${source}, expected ${expected}; ` +
      `tried ${tried.join(", ")}`

/**
 * The settings of this process, read once at start.
 *
 * @category references
 * @since 1.1.0
 */
export const Settings = Context.Reference<Values>("keelson/services/Settings", {
  defaultValue: () => Result.getOrThrow(resolve({ flags: {}, env: {} }))
})

/**
 * Where settings come from, the first that has one wins: flags, environment variables, tags of the instance, outputs of
 * its CloudFormation stack. Tags and outputs have the setting's name in Pascal case, such as `LogGroup`.
 *
 * @category models
 * @since 1.1.0
 */
export interface Sources {
  readonly flags: Readonly<Record<string, string | undefined>>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly tags?: Readonly<Record<string, string>> | undefined
  readonly stack?: string | undefined
  readonly outputs?: Readonly<Record<string, string>> | undefined
  /** Where the process runs, for defaults; local unless said. */
  readonly kind?: Kind | undefined
}

/**
 * What tags and outputs call a setting: `LogGroup` for `logGroup`.
 *
 * @category conversions
 * @since 1.1.0
 */
export const outputName = (name: string): string => `${name.charAt(0).toUpperCase()}${name.slice(1)}`

interface Candidate {
  readonly source: string
  readonly text: string
  readonly tried: ReadonlyArray<string>
}

const locate = (name: string, definition: Setting<unknown>, sources: Sources): Candidate => {
  const { env, flag } = definition
  const output = outputName(name)
  const tried: Array<string> = []
  const candidates: ReadonlyArray<readonly [string, string | undefined, boolean]> = [
    [`--${flag}`, sources.flags[flag], true],
    [`environment variable ${env}`, sources.env[env], true],
    [`instance tag ${output}`, sources.tags?.[output], sources.tags !== undefined],
    [`output ${output} of stack ${sources.stack}`, sources.outputs?.[output], sources.outputs !== undefined]
  ]
  for (const [source, given, asked] of candidates) {
    if (asked) tried.push(source)
    const text = given?.trim()
    if (text !== undefined && text !== "") return { source, text, tried }
  }
  return { source: "default", text: fallbackOf(definition, sources.kind), tried }
}

const fallbackOf = ({ fallback, fallbackOnAws }: Setting<unknown>, kind: Kind = "local"): string =>
  kind === "local" ? fallback : fallbackOnAws ?? fallback

/**
 * Reads every setting: flag > environment variable > instance tag > stack output > default. An empty text counts as
 * absent.
 *
 * Fails with all problems at once.
 *
 * @category constructors
 * @since 1.1.0
 * @example
 * ```ts
 * resolve({ flags: { port: "0" }, env: { LOG_LEVEL: "info" } })
 * ```
 */
export const resolve = (sources: Sources): Result.Result<Values, SettingsError> => read(names, sources)

/**
 * As {@link resolve}, of some settings alone.
 *
 * @category constructors
 * @since 1.1.0
 */
export const read = <const Name extends keyof Values>(
  names: ReadonlyArray<Name>,
  sources: Sources
): Result.Result<Pick<Values, Name>, SettingsError> => {
  const problems: Array<typeof Problem.Type> = []
  const values = Object.fromEntries(names.map((name) => {
    const definition = definitions[name] as Setting<unknown>
    const { source, text, tried } = locate(name, definition, sources)
    const value = Result.getOrElse(definition.parse(text), (expected) => {
      problems.push({ setting: name, source, value: text, expected, tried })
      return undefined
    })
    return [name, value]
  }))
  return problems.length === 0
    ? Result.succeed(values as Pick<Values, Name>)
    : Result.fail(new SettingsError({ problems }))
}

/**
 * One setting as it was found: its text and the source that had it.
 *
 * @category models
 * @since 1.1.0
 */
export interface Found {
  readonly setting: string
  readonly value: string
  readonly source: string
}

/**
 * What every setting is and where it comes from, and the outputs of the stack that are no setting of the chassis (an
 * app may read them as `Config`), by name alone: a value may be nobody's business.
 *
 * @category models
 * @since 1.1.0
 */
export interface Report {
  readonly settings: ReadonlyArray<Found>
  readonly stack: string | undefined
  readonly otherOutputs: ReadonlyArray<string>
}

/**
 * Makes the {@link Report} of what {@link resolve} reads, and of what the app declared.
 *
 * @category constructors
 * @since 1.1.0
 */
export const report = (sources: Sources, declared: ReadonlyArray<Found> = []): Report => {
  const own = new Set([...names.map(outputName), ...declared.map(({ setting }) => setting)])
  const settings = names.map((setting): Found => {
    const { source, text } = locate(setting, definitions[setting] as Setting<unknown>, sources)
    return { setting, value: text, source }
  })
  return {
    settings: settings.concat(declared),
    stack: sources.stack,
    otherOutputs: Object.keys(sources.outputs ?? {}).filter((name) => !own.has(name))
  }
}

/**
 * The report of this process' settings, for those who look.
 *
 * @category references
 * @since 1.1.0
 */
export const SettingsReport = Context.Reference<Report>("keelson/services/Settings/SettingsReport", {
  defaultValue: () => report({ flags: {}, env: {} })
})
