import * as Effect from "effect/Effect"
import type * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as ExitCode from "../services/ExitCode.ts"
import { type Entry, type Format, nameProblems, type Unit } from "../services/Unit.ts"
import * as UnitOpenrc from "../services/UnitOpenrc.ts"
import * as UnitSystemd from "../services/UnitSystemd.ts"
import * as UnitUpstart from "../services/UnitUpstart.ts"
import { InitError, reasonOf } from "./InitError.ts"
import * as InitStart from "./InitStart.ts"
import * as InitSteps from "./InitSteps.ts"
import * as InitUnit from "./InitUnit.ts"
import type * as Microservice from "./Microservice.ts"
import type { Output } from "./OperationCaller.ts"
import * as Systemd from "./Systemd.ts"
import * as UnitFiles from "./UnitFiles.ts"

/**
 * What `init` is to do, and with which unit.
 *
 * @category models
 * @since 1.1.0
 */
export interface Request extends InitUnit.Request {
  readonly print: boolean
  readonly dryRun: boolean
  readonly uninstall: boolean
}

const renderers: Record<
  Format,
  { readonly render: (unit: Unit) => ReadonlyArray<Entry>; readonly paths: (name: string) => ReadonlyArray<string> }
> = { systemd: UnitSystemd, upstart: UnitUpstart, openrc: UnitOpenrc }

/**
 * Makes this file a service of the machine: the app's own steps, the unit, its start. Or says what it would do, prints
 * the unit, or undoes all of it.
 *
 * **Details**
 *
 * Everything that is wrong with the request is told at once, before anything is touched. What is there already as it
 * should be is left alone, so that a second run changes nothing.
 *
 * @category running
 * @since 1.1.0
 */
export const run = <Id extends string, Groups extends HttpApiGroup.Constraint, E>(
  definition: Microservice.Definition<Id, Groups, E>,
  request: Request,
  output: Output
) =>
  Effect.gen(function*() {
    const say = (line: string) => Effect.sync(() => output.stdout.write(`${line}\n`))
    const { dryRun, format, root, settings: flags, uninstall } = request
    const made = yield* InitUnit.make(definition, request)
    yield* refuse(request, made)
    const { unit, warnings } = made
    const { paths, render } = renderers[format]
    if (request.print) {
      output.stdout.write(printed(render(unit)))
      for (const warning of warnings) output.stderr.write(`${warning}\n`)
      return
    }

    const { changes, foreign } = yield* attempt(
      "the unit cannot be looked at",
      () => UnitFiles.compare(root, uninstall ? [] : render(unit), paths(unit.name))
    )
    if (foreign.length > 0) return yield* foreignFiles(foreign)
    const changed = changes.length > 0
    const steps = InitSteps.stepsOf(definition.init ?? {}, uninstall ? "undo" : "apply")
    const live = format === "systemd" && root === "/" && Systemd.live()
    const commands = changed && root === "/" ? InitStart.commands(request, unit) : []

    if (dryRun) {
      const named = steps.map(({ name }) => `would ${uninstall ? "undo" : "run"} step ${JSON.stringify(name)}`)
      const files = changed
        ? changes.map(({ kind, path }) => `would have ${done[kind]} ${path}`)
        : ["the files are as they should be"]
      const started = commands.map((command) => `would run: ${command}`)
      for (const line of uninstall ? [...files, ...started, ...named] : [...named, ...files, ...started]) {
        yield* say(line)
      }
      return
    }

    const change = Effect.forEach(changes, (change) =>
      attempt(`${change.path} cannot be ${done[change.kind]}`, () =>
        UnitFiles.make(root, change)).pipe(
          Effect.andThen(say(`${done[change.kind]} ${change.path}`))
        ))
    const runSteps = InitSteps.run(definition, {
      steps,
      flags,
      environment: unit.environment,
      target: { name: unit.name, root, user: unit.user },
      done: (step) =>
        say(`step ${JSON.stringify(step)}: ${uninstall ? "undone" : "done"}`)
    })
    const later = Effect.forEach(live ? [] : commands, (command) => say(`now run: ${command}`))
    const replaced = changes.some(({ kind, path }) => path.endsWith(".socket") && kind !== "link")

    if (!uninstall) yield* runSteps
    if (live && changed && (uninstall || replaced)) yield* InitStart.stop(unit, changes)
    yield* change
    if (uninstall) {
      if (live && changed) yield* InitStart.reload
      yield* later
      yield* runSteps
      if (!changed) yield* say(`nothing to remove: ${unit.name} is not installed`)
    } else if (live) yield* InitStart.start(unit, changed, say)
    else if (changed) yield* later
    else yield* say(`nothing to change: ${unit.name} is installed`)
  }).pipe(
    Effect.tapError((error) =>
      error instanceof InitError ? Effect.sync(() => output.stderr.write(`${error.message}\n`)) : Effect.void
    )
  )

const done = { file: "written", link: "linked", remove: "removed" } as const

const refuse = (
  { dryRun, print, uninstall }: Request,
  { problems, settingProblems, unit, warnings }: InitUnit.Made
): Effect.Effect<void, InitError> => {
  // What is removed need not be fit to run.
  const settings = uninstall ? [] : settingProblems
  const refused = [
    ...(print && (dryRun || uninstall) ? ["--print goes with neither --dry-run nor --uninstall"] : []),
    ...(uninstall ? nameProblems(unit) : problems),
    ...(print || uninstall ? [] : warnings),
    ...settings
  ]
  return refused.length === 0 ? Effect.void : Effect.fail(
    new InitError({
      message: refused.join("\n"),
      exitCode: settings.length > 0 ? ExitCode.configError : ExitCode.usageError
    })
  )
}

const printed = (entries: ReadonlyArray<Entry>): string => {
  const files = entries.flatMap((entry) => entry.kind === "file" ? [entry] : [])
  return files.length === 1
    ? files.map(({ text }) => text).join("")
    : files.map(({ path, text }) => `# ${path}\n${text}`).join("\n")
}

const foreignFiles = (paths: ReadonlyArray<string>) =>
  new InitError({
    message: paths.map((path) =>
      `${path}: init did not write this and leaves it alone; move it away, or choose another --name`
    ).join("\n"),
    exitCode: ExitCode.usageError
  })

const attempt = <A>(what: string, action: () => A) =>
  Effect.try({
    try: action,
    catch: (error) =>
      new InitError({
        message: `${what}: ${reasonOf(error)}; run init as root, or print the unit alone: --print`,
        exitCode: ExitCode.cannotCreate
      })
  })
