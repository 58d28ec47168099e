import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { promisify } from "node:util"
import { gunzip } from "node:zlib"
import * as ExitCode from "../services/ExitCode.ts"
import { definitions } from "../services/SettingDefinitions.ts"
import { OperationFailed, type Output, reasonOf, write } from "./OperationCaller.ts"

const kinds = ["profile", "heap", "allocs", "goroutine", "block", "mutex", "threadcreate"] as const

/**
 * The command `profile`: takes a profile of a running service through its admin listener.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = (output: Output) =>
  Command.make("profile", {
    target: Flag.String("target").pipe(
      Flag.withDescription("URL of the admin listener of the service"),
      Flag.withDefault(`http://127.0.0.1:${definitions.adminPort.fallback}`)
    ),
    kind: Flag.Literals("kind", kinds).pipe(Flag.withDescription("what to look at"), Flag.withDefault("profile")),
    seconds: Flag.Int("seconds").pipe(
      Flag.withDescription("how long to look, at most 120"),
      Flag.optional
    ),
    output: Flag.String("output").pipe(
      Flag.withAlias("o"),
      Flag.withDescription("-, standard output: nothing is written to disk"),
      Flag.withDefault("-")
    ),
    flame: Flag.Literals("flame", ["text", "html"]).pipe(
      Flag.withDescription("draw a flame graph: for this terminal, or a page of its own"),
      Flag.optional
    )
  }, ({ flame, kind, output: to, seconds, target }) =>
    Effect.gen(function*() {
      if (to !== "-") {
        return yield* failed(`--output is - alone: redirect standard output to ${to}`, ExitCode.usageError)
      }
      const draw = Option.getOrUndefined(flame)
      if (draw === undefined && output.stdout.isTTY === true) {
        return yield* failed(
          "a profile is binary: redirect standard output, or say --flame text",
          ExitCode.usageError
        )
      }
      const query = Option.match(seconds, { onNone: () => "", onSome: (seconds) => `?seconds=${seconds}` })
      const url = `${target.replace(/\/$/, "")}/debug/pprof/${kind}${query}`
      const response = yield* Effect.tryPromise({
        try: async (signal) => {
          const response = await fetch(url, { signal })
          return { status: response.status, body: Buffer.from(await response.arrayBuffer()) }
        },
        catch: (cause) => unreachable(target, cause)
      })
      if (response.status !== 200) {
        const said = response.body.toString().trim()
        return yield* failed(`${url} answered ${response.status}: ${said}`, ExitCode.fromStatus(response.status))
      }
      yield* Effect.promise(async () =>
        write(
          output.stdout,
          draw === undefined ? response.body : await drawn(draw, response.body, `${kind} of ${target}`)
        )
      )
    }).pipe(
      Effect.tapError(({ message }) => Effect.sync(() => output.stderr.write(`${message}\n`)))
    )).pipe(Command.withDescription("profile a running service, for go tool pprof or as a flame graph"))

const failed = (message: string, exitCode: number) => Effect.fail(new OperationFailed({ message, exitCode }))

const unreachable = (target: string, cause: unknown) =>
  new OperationFailed({
    message: `${target} gave no answer: ${reasonOf(cause)}; is the admin listener there?`,
    exitCode: ExitCode.unavailable
  })

const drawn = async (kind: "text" | "html", body: Buffer, title: string): Promise<string> => {
  const { parse, renderHtml, renderText } = await import("../services/FlameGraph.ts")
  const graph = parse(await promisify(gunzip)(body))
  return kind === "text" ? renderText(graph) : renderHtml(graph, title)
}
