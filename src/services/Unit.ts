import * as Duration from "effect/Duration"
import type { Values } from "./SettingDefinitions.ts"

/**
 * The init systems a unit can be written for.
 *
 * @category constants
 * @since 1.1.0
 */
export const formats = ["systemd", "upstart", "openrc"] as const

/**
 * @category models
 * @since 1.1.0
 */
export type Format = (typeof formats)[number]

/**
 * What a unit says of a service, in no format yet.
 *
 * @category models
 * @since 1.1.0
 */
export interface Unit {
  /** Name of the unit and of its files. */
  readonly name: string
  readonly description: string
  readonly version: string
  /** SHA-256 of the file that is run: another file makes another unit, so that it is started again. */
  readonly digest: string
  /** The program and what precedes its command: node, its flags, the file. */
  readonly program: ReadonlyArray<string>
  /** Flags of `serve`, such as `--port=8080`. */
  readonly flags: ReadonlyArray<string>
  /** Flags of `wait-ready`. */
  readonly readyFlags: ReadonlyArray<string>
  readonly environment: Readonly<Record<string, string>>
  /** An account of the machine; without one systemd makes one up for as long as the service runs. */
  readonly user: string | undefined
  /** It listens below port 1024. */
  readonly privileged: boolean
  /** How long the end may take before it is forced. */
  readonly stopSeconds: number
  /** How long the start may take until it is ready. */
  readonly startSeconds: number
  /** The address that the init system listens on in the service's place. */
  readonly socket: { readonly host: string; readonly port: number } | undefined
  /** It knows `RestartSteps` and `RestartMaxDelaySec`: systemd 254 and later. */
  readonly restartSteps: boolean
}

/**
 * One thing that is to be there: a file, or a link that makes the init system start the service.
 *
 * @category models
 * @since 1.1.0
 */
export type Entry =
  | { readonly kind: "file"; readonly path: string; readonly mode: number; readonly text: string }
  | { readonly kind: "link"; readonly path: string; readonly to: string }

/**
 * Stands in every file that `init` wrote, and in none that it may not replace.
 *
 * @category constants
 * @since 1.1.0
 */
export const marker = "Written by keelson init"

/**
 * The lines that every file begins with.
 *
 * @category rendering
 * @since 1.1.0
 */
export const heading = ({ digest, name, version }: Unit, advice: string): ReadonlyArray<string> => [
  `# ${name} ${oneLine(version)} sha256:${digest}`,
  `# ${marker}, which replaces and removes it. ${advice}`
]

/**
 * Text for a line of its own: no control characters, no backslash at its end, which would continue the line.
 *
 * @category rendering
 * @since 1.1.0
 */
export const oneLine = (text: string): string =>
  text.replaceAll(/[\p{Cc}\p{Cs}]+/gu, " ").trim().replace(/[\\\s]+$/, "")

/**
 * The version and what the service is, for people.
 *
 * @category rendering
 * @since 1.1.0
 */
export const title = ({ description, name, version }: Unit): string => {
  const about = oneLine(description)
  return about === "" || about === name ? `${name} ${oneLine(version)}` : `${name} ${oneLine(version)}: ${about}`
}

const spare = 15
// systemd's own default: a service whose stack says longer delays than init was told has time for them too.
const leastStopSeconds = 90

/**
 * How long a service with these settings may take to end, in seconds, before it hangs and is killed: more than its
 * lameduck delay, the deadline of its requests and that of its telemetry together.
 *
 * @category constructors
 * @since 1.1.0
 */
export const stopSeconds = (
  { flushDeadline, lameduck, shutdownDeadline }: Pick<Values, "lameduck" | "shutdownDeadline" | "flushDeadline">
): number => {
  const longest = Duration.toSeconds(lameduck) + Duration.toSeconds(shutdownDeadline) +
    Duration.toSeconds(flushDeadline)
  return Math.max(leastStopSeconds, Math.ceil(longest) + spare)
}

/**
 * How long the init system waits for `wait-ready`, which gives up by itself after `ready`.
 *
 * @category constructors
 * @since 1.1.0
 */
export const startSeconds = (ready: Duration.Duration): number => Math.ceil(Duration.toSeconds(ready)) + spare

/**
 * What keeps a unit from being written in a format, all of it.
 *
 * @category predicates
 * @since 1.1.0
 */
export const problems = (unit: Unit, format: Format): ReadonlyArray<string> => [
  ...nameProblems(unit),
  ...(unit.user === undefined || /^[A-Za-z_][\w-]{0,30}$/.test(unit.user)
    ? []
    : [`--user: ${JSON.stringify(unit.user)} is no name of an account`]),
  ...(unit.user === undefined && format !== "systemd"
    ? [`--user: ${format} makes up no accounts; name one, root too if that is what you want`]
    : []),
  ...(unit.socket === undefined || format === "systemd" ? [] : [`--socket: ${format} hands over no sockets`]),
  ...(unit.socket === undefined || /^[\d.]+$|:|^localhost$/.test(unit.socket.host)
    ? []
    : [`--host: a socket needs an IP address, not ${unit.socket.host}`]),
  ...(unit.privileged && format !== "systemd" && unit.user !== "root"
    ? [`--port: ${format} grants no ports below 1024; choose a higher one, or --user=root`]
    : []),
  ...(/["'\\]/.test(unit.program[0] ?? "") && format === "systemd"
    ? [`--node: systemd runs no program with a quote or a backslash in its path: ${unit.program[0]}`]
    : []),
  ...[...unit.program, ...unit.flags, ...unit.readyFlags].flatMap((text) => unwritable(text, JSON.stringify(text))),
  ...Object.entries(unit.environment).flatMap(([name, value]) => [
    ...(/^[A-Za-z_]\w*$/.test(name) ? [] : [`environment variable ${JSON.stringify(name)}: no name of a variable`]),
    ...unwritable(value, `environment variable ${name}`)
  ])
]

/**
 * What keeps a name from being that of a unit; `which` says whose it is.
 *
 * @category predicates
 * @since 1.1.0
 */
export const nameProblems = (
  { name }: Pick<Unit, "name">,
  which: string = "--name:"
): ReadonlyArray<string> =>
  /^[A-Za-z_][\w-]{0,63}$/.test(name)
    ? []
    : [`${which} ${JSON.stringify(name)} is no name for a unit: a letter, then at most 63 letters, digits, - and _`]

// None of the formats has a way to write these that all of its readers understand.
const unwritable = (text: string, where: string): ReadonlyArray<string> =>
  /\p{Cc}/u.test(text)
    ? [`${where} has a line break or another control character, which no unit can hold`]
    : /\p{Cs}/u.test(text)
    ? [`${where} is no well-formed Unicode`]
    : []
