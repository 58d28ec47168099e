import * as NodeServices from "@effect/platform-node/NodeServices"
import * as CliConfig from "effect/cli/CliConfig"
import * as CliError from "effect/cli/CliError"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import type * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Runtime from "effect/Runtime"
import { ServiceName, Version } from "../services/BuildInfo.ts"
import * as ExitCode from "../services/ExitCode.ts"
import * as Operations from "../services/Operations.ts"
import type { Found, Report } from "../services/Settings.ts"
import * as DebugCommand from "./DebugCommand.ts"
import * as HealthCommand from "./HealthCommand.ts"
import * as InitCommand from "./InitCommand.ts"
import * as LogLevelCommand from "./LogLevelCommand.ts"
import * as LogsCommand from "./LogsCommand.ts"
import * as Microservice from "./Microservice.ts"
import * as OperationCaller from "./OperationCaller.ts"
import * as OperationCommand from "./OperationCommand.ts"
import * as ProfileCommand from "./ProfileCommand.ts"
import * as Server from "./Server.ts"
import { optionalTexts, settingFlag, settingFlags } from "./SettingFlags.ts"
import { discover } from "./Settings.ts"
import * as TemplateCommand from "./TemplateCommand.ts"
import * as TopCommand from "./TopCommand.ts"
import * as UserDataCommand from "./UserDataCommand.ts"
import * as WaitReady from "./WaitReady.ts"

/**
 * Runs a command line of a service: `serve`, or any of its operations, here or on a running service.
 *
 * @category constructors
 * @since 1.1.0
 */
export const run = <Id extends string, Groups extends HttpApiGroup.Constraint, E>(
  definition: Microservice.Definition<Id, Groups, E>,
  args: ReadonlyArray<string>,
  output: OperationCaller.Output = process
) =>
  Effect.gen(function*() {
    output.stdout.on("error", (error) => {
      if (OperationCaller.isClosed(error)) return
      output.stderr.write(`standard output cannot be written: ${error.message}\n`)
      process.exit(ExitCode.outputError)
    })
    const operations = yield* Effect.fromResult(Operations.reflect(definition.api, Operations.commands))
    const version = yield* Version

    const inProcess = Effect.gen(function*() {
      const discovered = yield* discover({}, definition.settings)
      const context = yield* Layer.build(
        definition.handlers.pipe(
          Layer.provideMerge(Microservice.layerLive(discovered, { logsTo: "stderr" })),
          Layer.provideMerge(Layer.succeed(ServiceName, definition.name))
        )
      )
      return yield* Effect.provideContext(Server.transport(definition.api), context)
    })

    const serve = Command.make("serve", settingFlags, (flags) => Microservice.serve(definition, optionalTexts(flags)))
      .pipe(
        Command.withDescription("serve the operations until SIGTERM or SIGINT")
      )
    const settings = Command.make(
      "settings",
      { json: Flag.Boolean("json").pipe(Flag.withDefault(false), Flag.withDescription("print JSON")), ...settingFlags },
      ({ json, ...flags }) =>
        Effect.map(discover(optionalTexts(flags), definition.settings), ({ report, warning }) => {
          output.stdout.write(json ? `${JSON.stringify({ ...report, warning })}\n` : describe(report))
          if (warning !== undefined) output.stderr.write(`${warning}\n`)
        })
    ).pipe(Command.withDescription("print every setting, what it is and where it comes from"))
    const waitReady = Command.make("wait-ready", {
      timeout: Flag.String("timeout").pipe(
        Flag.withDescription("how long to wait"),
        Flag.withDefault(WaitReady.defaultTimeout)
      ),
      host: settingFlag("host"),
      port: settingFlag("port")
    }, ({ timeout, ...flags }) => WaitReady.waitReady({ ...optionalTexts(flags), timeout }, process.env)).pipe(
      Command.withDescription("wait until the service of this machine is ready")
    )
    const root = Command.make(definition.name).pipe(
      Command.withDescription(`${definition.description ?? definition.name}\nversion ${version}; -v prints it alone`),
      Command.withSubcommands([
        serve,
        settings,
        InitCommand.make(definition, output),
        waitReady,
        ProfileCommand.make(output),
        TemplateCommand.make(definition, settingFlags, output),
        UserDataCommand.make(definition.name, settingFlags, output),
        LogsCommand.make(output),
        HealthCommand.make(args),
        LogLevelCommand.make(output),
        TopCommand.make(output),
        DebugCommand.make(output),
        ...OperationCommand.make(operations, OperationCaller.make({ inProcess, output, stdin: process.stdin }))
      ])
    )
    yield* Command.runWith(root, { version })(args)
  }).pipe(
    Effect.catchIf(isCliError, (error) => helpOnly(error) ? Effect.void : Effect.fail(new UsageError())),
    Effect.scoped,
    Effect.provide(Layer.mergeAll(NodeServices.layer, builtIns, presenter))
  )

/**
 * Whether a command line is one that runs until a signal ends it, and so ends well by one.
 *
 * @category guards
 * @since 1.1.0
 */
export const runsUntilToldToEnd = (args: ReadonlyArray<string>): boolean =>
  args[0] === "serve" || args[0] === "top" || LogsCommand.isFollowing(args)

/**
 * Lays settings out in columns: name, value, source; then the stack's other outputs.
 *
 * @category rendering
 * @since 1.1.0
 */
export const describe = ({ otherOutputs, settings, stack }: Report): string => {
  const width = (text: (found: Found) => string) => Math.max(...settings.map((found) => text(found).length))
  const names = width(({ setting }) => setting)
  const values = width(({ value }) => value)
  return [
    ...settings.map(({ setting, source, value }) => `${setting.padEnd(names)}  ${value.padEnd(values)}  ${source}`),
    ...(otherOutputs.length === 0 ? [] : [`other outputs of ${stack}: ${otherOutputs.join(", ")}`])
  ].map((line) => `${line}\n`).join("")
}

const builtIns = CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Completions] })

// Standard output is for data alone: a refused command line says so, shortly, on standard error.
const presenter = CliOutput.layerPresenter({
  present: (event) =>
    event._tag === "InvalidInvocation"
      ? Console.error(
        [...event.errors.map(({ message }) => message), `See ${event.commandPath.join(" ")} --help`].join("\n")
      )
      : CliOutput.defaultPresenter.present(event)
})

/**
 * A command line that cannot be understood; what is wrong was printed with the usage.
 *
 * @category errors
 * @since 1.1.0
 */
export class UsageError {
  readonly _tag = "UsageError"
  readonly [Runtime.errorExitCode] = ExitCode.usageError
  readonly [Runtime.errorReported] = false
}

const isCliError = (error: unknown): error is CliError.CliError => CliError.isCliError(error)

const helpOnly = (error: CliError.CliError) =>
  error._tag === "ShowHelp" && Predicate.hasProperty(error, "errors") &&
  (error.errors as ReadonlyArray<unknown>).length === 0
