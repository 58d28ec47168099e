import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { type Output, parseObject } from "./OperationCaller.ts"
import * as Target from "./Target.ts"

const target = Target.flag.pipe(
  Flag.withDescription("URL of the admin listener of the service, from its own machine")
)

/**
 * The commands `debug arm` and `debug disarm`: let the dangerous endpoints of a running service exist for a while.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = (output: Output) => {
  const send = (target: string, path: string, said: (armed: Armed | null) => string | undefined) =>
    Effect.gen(function*() {
      const response = yield* Target.ask(target, path, { method: "POST", headers: { "x-keelson": "1" } })
      const { armed }: Said = parseObject(yield* Target.answer(target, () => response.text()))
      const line = armed === undefined ? undefined : said(armed)
      if (line === undefined) return yield* Target.unknown(response)
      output.stdout.write(`${line}\n`)
    }).pipe(
      Effect.tapError(({ message }) => Effect.sync(() => output.stderr.write(`${message}\n`)))
    )

  const arm = Command.make("arm", {
    for: Flag.String("for").pipe(Flag.withDescription("how long, at most 60m"), Flag.withDefault("10m")),
    reason: Flag.String("reason").pipe(
      Flag.withDescription("why: the log, the health page and everybody there say it")
    ),
    target
  }, ({ for: duration, reason, target }) =>
    send(
      target,
      `/debug/arm?${new URLSearchParams({ for: duration, reason })}`,
      (armed) =>
        armed?.until &&
        `armed until ${armed.until}; ${target.replace(/\/$/, "")}/debug/heapsnapshot is there until then`
    )).pipe(Command.withDescription("let heap snapshots be taken for a while, announced to everybody"))

  const disarm = Command.make(
    "disarm",
    { target },
    ({ target }) => send(target, "/debug/disarm", (armed) => armed === null ? "disarmed" : undefined)
  )
    .pipe(Command.withDescription("take them away again"))

  return Command.make("debug").pipe(
    Command.withDescription("arm and disarm the dangerous diagnostics of a running service"),
    Command.withSubcommands([arm, disarm])
  )
}

interface Armed {
  readonly until?: string
}

interface Said {
  readonly armed?: Armed | null
}
