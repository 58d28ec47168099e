import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as ExitCode from "../services/ExitCode.ts"
import { definitions } from "../services/SettingDefinitions.ts"
import { OperationFailed, type Output, reasonOf } from "./OperationCaller.ts"

const target = Flag.String("target").pipe(
  Flag.withDescription("URL of the admin listener of the service, from its own machine"),
  Flag.withDefault(`http://127.0.0.1:${definitions.adminPort.fallback}`)
)

/**
 * The commands `debug arm` and `debug disarm`: let the dangerous endpoints of a running service exist for a while.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = (output: Output) => {
  const send = (target: string, path: string, said: (armed: { until: string; reason: string } | null) => string) =>
    Effect.gen(function*() {
      const url = `${target.replace(/\/$/, "")}${path}`
      const response = yield* Effect.tryPromise({
        try: async (signal) => {
          const response = await fetch(url, { method: "POST", headers: { "x-keelson": "1" }, signal })
          return { status: response.status, body: await response.text() }
        },
        catch: (cause) =>
          failed(
            `${target} gave no answer: ${reasonOf(cause)}; is the admin listener there?`,
            ExitCode.unavailable
          )
      })
      const body = parsed(response.body)
      if (response.status !== 200 || body?.armed === undefined) {
        const why = body?.message ?? response.body.trim()
        return yield* Effect.fail(
          failed(`${target} answered ${response.status}: ${why}`, ExitCode.fromStatus(response.status))
        )
      }
      output.stdout.write(`${said(body.armed)}\n`)
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
      (armed) => `armed until ${armed?.until}; ${target.replace(/\/$/, "")}/debug/heapsnapshot is there until then`
    )).pipe(Command.withDescription("let heap snapshots be taken for a while, announced to everybody"))

  const disarm = Command.make("disarm", { target }, ({ target }) => send(target, "/debug/disarm", () => "disarmed"))
    .pipe(Command.withDescription("take them away again"))

  return Command.make("debug").pipe(
    Command.withDescription("arm and disarm the dangerous diagnostics of a running service"),
    Command.withSubcommands([arm, disarm])
  )
}

const failed = (message: string, exitCode: number) => new OperationFailed({ message, exitCode })

interface Said {
  readonly message?: string
  readonly armed?: { readonly until: string; readonly reason: string } | null
}

const parsed = (body: string): Said | undefined => {
  try {
    return JSON.parse(body) as Said
  } catch {
    return undefined
  }
}
