import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { Version } from "../services/BuildInfo.ts"
import * as Settings from "../services/Settings.ts"
import * as SettingText from "../services/SettingText.ts"
import * as Unit from "../services/Unit.ts"
import { passedOn, secretVariables } from "../services/UnitSettings.ts"
import * as DeclaredSettings from "./DeclaredSettings.ts"
import * as Program from "./Program.ts"
import * as Systemd from "./Systemd.ts"

/**
 * Which unit is asked for: flags of `init` and what it found in its environment.
 *
 * @category models
 * @since 1.1.0
 */
export interface Request {
  readonly format: Unit.Format
  readonly name: string | undefined
  readonly user: string | undefined
  readonly root: string
  readonly node: string | undefined
  readonly socket: boolean
  readonly readyTimeout: string
  /** `NAME=value`, or `NAME` for the value that it has here. */
  readonly variables: ReadonlyArray<string>
  /** Flags of `serve`. */
  readonly settings: Settings.Sources["flags"]
  readonly env: Settings.Sources["env"]
}

/**
 * The unit, what keeps it from being written, and what only keeps it from working on this machine.
 *
 * @category models
 * @since 1.1.0
 */
export interface Made {
  readonly unit: Unit.Unit
  readonly problems: ReadonlyArray<string>
  readonly settingProblems: ReadonlyArray<string>
  readonly warnings: ReadonlyArray<string>
}

/**
 * Makes the unit that runs this very file as `serve` with the settings that `init` was given.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = (
  definition: {
    readonly name: string
    readonly description?: string | undefined
    readonly settings?: DeclaredSettings.Declared | undefined
  },
  request: Request
): Effect.Effect<Made> =>
  Effect.gen(function*() {
    const { format, root, settings: flags } = request
    const given = variables(request)
    const env = { ...request.env, ...given.environment }
    // Where init runs may not be where the service will: what takes longer on AWS has time everywhere.
    const resolved = Settings.resolve({ flags, env, kind: "ec2" })
    const values = Result.getOrElse(resolved, () => fallbacks)
    const declared = yield* fromEnvironment(definition.settings ?? {}, env)
    const ready = SettingText.positive(request.readyTimeout)
    const timeout = Result.getOrElse(ready, () => Duration.zero)
    const { environment, flags: serveFlags } = passedOn({ flags, env }, values.port)

    const program = Program.words(request)
    const { file, node } = Program.files(program)
    const host = values.host === "0.0.0.0" || values.host === "::" ? [] : [`--host=${values.host}`]
    const unit: Unit.Unit = {
      name: request.name ?? definition.name,
      description: definition.description ?? "",
      version: yield* Version,
      digest: yield* Effect.promise(() => Program.digest(root, file)),
      program,
      flags: serveFlags,
      readyFlags: [`--timeout=${Duration.toMillis(timeout)}ms`, ...host, `--port=${values.port}`],
      environment: { ...environment, ...declared.environment, ...given.environment },
      user: request.user,
      privileged: low(values.adminPort) || (!request.socket && low(values.port)),
      stopSeconds: Unit.stopSeconds(values),
      startSeconds: Unit.startSeconds(timeout),
      socket: request.socket ? { host: values.host, port: values.port } : undefined,
      restartSteps: root === "/" && format === "systemd" && ((yield* Effect.promise(Systemd.version)) ?? 0) >= 254
    }
    const readable = {
      root,
      name: unit.name,
      sandboxed: format === "systemd",
      anybody: unit.user === undefined
    }
    return {
      unit,
      problems: [
        ...Unit.problems(unit, format),
        ...(Result.isSuccess(resolved) && values.port === 0
          ? ["--port: 0 is any free port, and a unit needs one that others can find"]
          : []),
        ...(Result.isFailure(ready)
          ? [`--ready-timeout is ${JSON.stringify(request.readyTimeout)}, expected ${ready.failure}`]
          : []),
        ...given.problems
      ],
      settingProblems: [
        ...(Result.isFailure(resolved) ? [resolved.failure.message] : []),
        ...declared.problems
      ],
      warnings: [
        ...[file, ...(node === undefined ? [] : [node])].flatMap((path) => Program.problems(path, readable)),
        ...(format === "systemd" && unit.user === undefined && Systemd.hasAccount(root, unit.name)
          ? [
            `--name: this machine has an account ${unit.name}, as which systemd would run the service instead of one ` +
            `that it makes up; choose another name, or say --user=${unit.name} if that is what you want`
          ]
          : [])
      ]
    }
  })

const fallbacks = Result.getOrThrow(Settings.resolve({ flags: {}, env: {} }))

const low = (port: number): boolean => port > 0 && port < 1024

// The app's own settings that are variables here. What is missing may be a tag or an output where the service runs.
const fromEnvironment = Effect.fnUntraced(function*(
  declared: DeclaredSettings.Declared,
  env: Request["env"]
) {
  const { found, problems } = yield* DeclaredSettings.check(declared, { flags: {}, env })
  const environment: Record<string, string> = {}
  const refused = problems.filter(({ source }) => source !== undefined).map(({ expected, setting, source }) =>
    `${setting} is of no use in ${source}, expected ${expected}`
  )
  for (const { setting, source, value } of found) {
    if (value.includes("<redacted>")) {
      if (source === "default") continue
      refused.push(
        `${setting}: ${source} is a secret, and a unit is for everybody to read; take it out of init's environment ` +
          `and give it to the service alone (docs/init.md)`
      )
      continue
    }
    for (const [, name] of source.matchAll(/environment variable (\w+)/g)) {
      const text = name === undefined ? undefined : env[name]
      if (name !== undefined && text !== undefined) environment[name] = text
    }
  }
  return { environment, problems: refused }
})

const variables = ({ env, variables }: Request) => {
  const environment: Record<string, string> = {}
  const problems: Array<string> = []
  for (const text of variables) {
    const [, name = text, , value] = /^([^=]*)(=(.*))?$/s.exec(text) ?? []
    const found = value ?? (Object.hasOwn(env, name) ? env[name] : undefined)
    if (secretVariables.includes(name)) {
      problems.push(`--env: ${name} is a secret, and a unit is for everybody to read; a service on AWS has a role`)
    } else if (found === undefined) problems.push(`--env: there is no environment variable ${name} here`)
    else environment[name] = found
  }
  return { environment, problems }
}
