import * as Context from "effect/Context"
import * as Result from "effect/Result"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import type { Kind } from "./Environment.ts"
import { configError } from "./ExitCode.ts"
import { definitions, earlyNames, names, type Setting, type Values } from "./SettingDefinitions.ts"

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

const early: ReadonlySet<string> = new Set(earlyNames)

const locate = (name: string, definition: Setting<unknown>, sources: Sources): Candidate => {
  const { env, flag } = definition
  const output = outputName(name)
  const tried: Array<string> = []
  const { outputs, tags }: Partial<Sources> = early.has(name) ? {} : sources
  const candidates: ReadonlyArray<readonly [string, string | undefined, boolean]> = [
    [`--${flag}`, sources.flags[flag], true],
    [`environment variable ${env}`, sources.env[env], true],
    [`instance tag ${output}`, tags?.[output], tags !== undefined],
    [`output ${output} of stack ${sources.stack}`, outputs?.[output], outputs !== undefined]
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
