import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as ExitCode from "../services/ExitCode.ts"
import { describe, type toJson } from "../services/LogLevels.ts"
import { type Output, parseObject, write } from "./OperationCaller.ts"
import * as Target from "./Target.ts"

/**
 * The command `loglevel`: shows or changes the log level of a running service through its admin listener.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = (output: Output) =>
  Command.make("loglevel", {
    target: Target.flag,
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
        return yield* Target.failed("--for and --name say how long and for what: say --level too", ExitCode.usageError)
      }
      const change = {
        method: "POST",
        headers: { "x-keelson": "1" },
        body: new URLSearchParams(Object.fromEntries(given))
      }
      const response = yield* Target.ask(target, "/loglevel", given.length > 0 ? change : {})
      const text = yield* Target.answer(target, () => response.text())
      const body = parseObject(text)
      if (body["changes"] === undefined) return yield* Target.unknown(response)
      yield* Effect.promise(() =>
        write(output.stdout, `${json ? text : describe(body as ReturnType<typeof toJson>)}\n`)
      )
    }).pipe(
      Effect.tapError(({ message }) => Effect.sync(() => output.stderr.write(`${message}\n`)))
    )).pipe(Command.withDescription("show the log level of a running service, or change it for a while"))
