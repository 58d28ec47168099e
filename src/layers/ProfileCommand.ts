import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { promisify } from "node:util"
import { gunzip } from "node:zlib"
import * as ExitCode from "../services/ExitCode.ts"
import { type Output, write } from "./OperationCaller.ts"
import * as Target from "./Target.ts"

const kinds = ["profile", "heap", "allocs", "goroutine", "block", "mutex", "threadcreate"] as const

/**
 * The command `profile`: takes a profile of a running service through its admin listener.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = (output: Output) =>
  Command.make("profile", {
    target: Target.flag,
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
        return yield* Target.failed(`--output is - alone: redirect standard output to ${to}`, ExitCode.usageError)
      }
      const draw = Option.getOrUndefined(flame)
      if (draw === undefined && output.stdout.isTTY === true) {
        return yield* Target.failed(
          "a profile is binary: redirect standard output, or say --flame text",
          ExitCode.usageError
        )
      }
      const query = Option.match(seconds, { onNone: () => "", onSome: (seconds) => `?seconds=${seconds}` })
      const response = yield* Target.ask(target, `/debug/pprof/${kind}${query}`)
      const body = Buffer.from(yield* Target.answer(target, () => response.arrayBuffer()))
      if (body[0] !== 0x1f || body[1] !== 0x8b) return yield* Target.unknown(response)
      yield* Effect.promise(async () =>
        write(output.stdout, draw === undefined ? body : await drawn(draw, body, `${kind} of ${target}`))
      )
    }).pipe(
      Effect.tapError(({ message }) => Effect.sync(() => output.stderr.write(`${message}\n`)))
    )).pipe(Command.withDescription("profile a running service, for go tool pprof or as a flame graph"))

const drawn = async (kind: "text" | "html", body: Buffer, title: string): Promise<string> => {
  const { parse, renderHtml, renderText } = await import("../services/FlameGraph.ts")
  const graph = parse(await promisify(gunzip)(body))
  return kind === "text" ? renderText(graph) : renderHtml(graph, title)
}
