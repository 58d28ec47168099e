import * as Duration from "effect/Duration"
import type * as LogLevel from "effect/LogLevel"
import * as Result from "effect/Result"

/**
 * Stands for the service's name in `logGroup` and `metricsNamespace`.
 *
 * @category constants
 * @since 1.1.0
 */
export const servicePlaceholder = "<service>"

/**
 * Reads a port, 0 for any free one. Fails with what was expected.
 *
 * @category parsing
 * @since 1.1.0
 */
export const port = (text: string): Result.Result<number, string> => {
  const value = Number(text)
  return /^\d+$/.test(text) && value <= 65_535
    ? Result.succeed(value)
    : Result.fail("a port from 0 (any free one) to 65535")
}

/**
 * Reads an IP address or a host name. Fails with what was expected.
 *
 * @category parsing
 * @since 1.1.0
 */
export const host = (text: string): Result.Result<string, string> =>
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
  const match = /^(\d+(?:\.\d+)?)\s*(?:(ms|s|m|h)|(millisecond|second|sec|minute|min|hour)s?)?$/i.exec(text)
  const unit = units[(match?.[2] ?? match?.[3] ?? "s").toLowerCase()]
  return match === null || unit === undefined
    ? Result.fail("a duration such as 500ms, 10s or 1m")
    : Result.succeed(Duration.millis(Number(match[1]) * Duration.toMillis(`1 ${unit}` as Duration.Input)))
}

const levels = new Map(Object.entries<LogLevel.LogLevel>({
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
}))

/**
 * Reads a log level, in any case. Fails with what was expected.
 *
 * @category parsing
 * @since 1.1.0
 */
export const logLevel = (text: string): Result.Result<LogLevel.LogLevel, string> => {
  const level = levels.get(text.toLowerCase())
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

/**
 * Reads how log lines look, in any case. Fails with what was expected.
 *
 * @category parsing
 * @since 1.1.0
 */
export const logFormat = (text: string): Result.Result<LogFormat, string> => {
  const format = text.toLowerCase()
  return format === "auto" || format === "json" || format === "pretty"
    ? Result.succeed(format)
    : Result.fail("one of auto, json, pretty")
}

/**
 * Reads one of some words, in any case. Fails with what was expected.
 *
 * @category parsing
 * @since 1.1.0
 */
export const oneOf =
  <const A extends string>(choices: ReadonlyArray<A>) => (text: string): Result.Result<A, string> => {
    const choice = choices.find((choice) => choice === text.toLowerCase())
    return choice === undefined ? Result.fail(`one of ${choices.join(", ")}`) : Result.succeed(choice)
  }

const yes = ["on", "true", "yes", "1"]
const no = ["off", "false", "no", "0"]

/**
 * Reads `on` or `off`, or what is commonly said for them. Fails with what was expected.
 *
 * @category parsing
 * @since 1.1.0
 */
export const onOff = (text: string): Result.Result<boolean, string> => {
  const word = text.toLowerCase()
  return yes.includes(word) || no.includes(word) ? Result.succeed(yes.includes(word)) : Result.fail("on or off")
}

/**
 * Reads the name of a log group, which may have the placeholder of the service's name in it. Fails with what was expected.
 *
 * @category parsing
 * @since 1.1.0
 */
export const logGroup = (text: string): Result.Result<string, string> =>
  /^(?!aws\/)[\w\-/.#]{1,512}$/.test(text.replaceAll(servicePlaceholder, "x"))
    ? Result.succeed(text)
    : Result.fail("1 to 512 of letters, digits and _ - / . #, not starting with aws/")

/**
 * Reads the name or the id of a CloudFormation stack, or `auto`. Fails with what was expected.
 *
 * @category parsing
 * @since 1.1.0
 */
export const stackName = (text: string): Result.Result<string, string> =>
  /^[A-Za-z][\w-]{0,127}$|^arn:/.test(text)
    ? Result.succeed(text)
    : Result.fail("auto, or the name or id of a CloudFormation stack")

/**
 * Reads a namespace of CloudWatch metrics. Fails with what was expected.
 *
 * @category parsing
 * @since 1.1.0
 */
export const namespace = (text: string): Result.Result<string, string> =>
  /^(?!:)(?!AWS\/)[\x20-\x7e]{1,255}$/.test(text)
    ? Result.succeed(text)
    : Result.fail("1 to 255 ASCII characters, not starting with a colon or AWS/")

// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
const retentions = "1 3 5 7 14 30 60 90 120 150 180 365 400 545 731 1096 1827 2192 2557 2922 3288 3653".split(" ")

/**
 * Reads the days that a log group keeps events, `undefined` for `never`. Fails with what was expected.
 *
 * @category parsing
 * @since 1.1.0
 */
export const retention = (text: string): Result.Result<number | undefined, string> => {
  if (text.toLowerCase() === "never") return Result.succeed(undefined)
  return retentions.includes(text)
    ? Result.succeed(Number(text))
    : Result.fail(`never, or days: one of ${retentions.join(", ")}`)
}

/**
 * Reads a size of at least so many bytes, with `KiB`, `MiB` or `GiB`; bytes without. Fails with what was expected.
 *
 * @category parsing
 * @since 1.1.0
 */
export const bytes = (least: number, expected: string) => (text: string): Result.Result<number, string> => {
  const match = /^(\d+)\s*(KiB|MiB|GiB)?$/i.exec(text)
  const factor = { "": 1, kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30 }[(match?.[2] ?? "").toLowerCase()]
  const size = Number(match?.[1]) * (factor ?? 1)
  return match === null || size < least ? Result.fail(expected) : Result.succeed(size)
}

/**
 * Reads a number of things, from 1 to 999999999. Fails with what was expected.
 *
 * @category parsing
 * @since 1.1.0
 */
export const count = (text: string): Result.Result<number, string> =>
  /^[1-9]\d{0,8}$/.test(text) ? Result.succeed(Number(text)) : Result.fail("a number from 1 to 999999999")

/**
 * Reads a duration of a millisecond or more. Fails with what was expected.
 *
 * @category parsing
 * @since 1.1.0
 */
export const positive = (text: string): Result.Result<Duration.Duration, string> =>
  Result.flatMap(
    duration(text),
    (value) => Duration.toMillis(value) >= 1 ? Result.succeed(value) : Result.fail("a duration of 1ms or more")
  )

/**
 * Reads host names with commas between them, in lower case; `none` is an empty list. Fails with what was expected.
 *
 * @category parsing
 * @since 1.1.0
 */
export const hosts = (text: string): Result.Result<ReadonlyArray<string>, string> => {
  const names = text === "none" ? [] : text.toLowerCase().split(",").map((name) => name.trim())
  return names.every((name) => /^[\w.-]+$/.test(name))
    ? Result.succeed(names)
    : Result.fail("host names with commas between them, or none")
}
