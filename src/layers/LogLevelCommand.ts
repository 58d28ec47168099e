import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as ExitCode from "../services/ExitCode.ts"
import { describe, type toJson } from "../services/LogLevels.ts"
import { definitions } from "../services/SettingDefinitions.ts"
import { OperationFailed, type Output, reasonOf, write } from "./OperationCaller.ts"

/**
 * The command `loglevel`: shows or changes the log level of a running service through its admin listener.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = (output: Output) =>
  Command.make("loglevel", {
    target: Flag.String("target").pipe(
      Flag.withDescription("URL of the admin listener of the service"),
      Flag.withDefault(`http://127.0.0.1:${definitions.adminPort.fallback}`)
    ),
    level: Flag.String("level").pipe(
      Flag.withDescription(
        "trace, debug, info, warn, error, fatal, none, or default to end a change; shows them if absent"
      ),
      Flag.optional
    ),
    for: Flag.String("for").pipe(Flag.withDescription("how long, at most 24h; 10m if absent"), Flag.optional),
    name: Flag.String("name").pipe(
      Flag.withDescription("only for this span, operation or logger, and what is below it"),
      Flag.optional
    ),
    json: Flag.Boolean("json").pipe(Flag.withDescription("print JSON"), Flag.withDefault(false))
  }, ({ json, target, ...flags }) =>
    Effect.gen(function*() {
      const given = Object.entries(flags).flatMap(([name, value]) =>
        Option.isSome(value) ? [[name, value.value] as const] : []
      )
      if (given.length > 0 && Option.isNone(flags.level)) {
        return yield* failed("--for and --name say how long and for what: say --level too", ExitCode.usageError)
      }
      const url = `${target.replace(/\/$/, "")}/loglevel`
      const change = {
        method: "POST",
        headers: { "x-keelson": "1" },
        body: new URLSearchParams(Object.fromEntries(given))
      }
      const response = yield* Effect.tryPromise({
        try: async (signal) => {
          const response = await fetch(url, { signal, ...(given.length > 0 ? change : {}) })
          return { status: response.status, body: await response.text() }
        },
        catch: (cause) =>
          new OperationFailed({
            message: `${target} gave no answer: ${reasonOf(cause)}; is the admin listener there?`,
            exitCode: ExitCode.unavailable
          })
      })
      const body = yield* Effect.try({
        try: () => JSON.parse(response.body) as ReturnType<typeof toJson> & { readonly message?: string },
        catch: () => undefined
      }).pipe(Effect.orElseSucceed(() => undefined))
      if (response.status !== 200 || body?.changes === undefined) {
        const said = body?.message ?? "nothing that is known; is this the admin listener?"
        return yield* failed(
          `${url} answered ${response.status}: ${said}`,
          ExitCode.fromStatus(response.status === 200 ? 404 : response.status)
        )
      }
      yield* Effect.promise(() => write(output.stdout, `${json ? response.body : describe(body)}\n`))
    }).pipe(
      Effect.tapError(({ message }) => Effect.sync(() => output.stderr.write(`${message}\n`)))
    )).pipe(Command.withDescription("show the log level of a running service, or change it for a while"))

const failed = (message: string, exitCode: number) => Effect.fail(new OperationFailed({ message, exitCode }))
