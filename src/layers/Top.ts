import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { Writable } from "node:stream"
import type { ReadStream, WriteStream } from "node:tty"
import * as ExitCode from "../services/ExitCode.ts"
import { parse } from "../services/PrometheusSamples.ts"
import { type AccountPart, type Frame, type HealthPart, make, type Scrape } from "../services/TopFrame.ts"
import { render, type Size } from "../services/TopScreen.ts"
import { OperationFailed, reasonOf } from "./OperationCaller.ts"

/**
 * Whom to watch, how often, and where it is shown.
 *
 * @category models
 * @since 1.1.0
 */
export interface Options {
  readonly target: string
  readonly interval: Duration.Duration
  readonly once: boolean
  readonly output: Writable
}

const answerTimeout = 5000
const plainColumns = 120

/**
 * Shows a service until `q` or Ctrl-C; where the output is no terminal, one frame after the other, or just one.
 *
 * A target that gives no answer is asked again, and fails the command only where one frame is wanted.
 *
 * @category running
 * @since 1.1.0
 */
export const watch = (options: Options): Effect.Effect<void, OperationFailed> =>
  Effect.scoped(
    options.once ? once(options) : isTerminal(options.output) ? screen(options, options.output) : frames(options)
  )

const isTerminal = (output: Writable): output is WriteStream => "isTTY" in output && output.isTTY === true

const scrape = ({ target }: Options): Effect.Effect<Scrape, OperationFailed> => {
  const get = async (path: string, signal: AbortSignal) => {
    const response = await fetch(target + path, {
      signal,
      redirect: "manual",
      headers: { accept: "application/health+json, application/json" }
    })
    if (response.status !== 200 && response.status !== 503) throw new Error(`${path} answered ${response.status}`)
    return response.text()
  }
  return Effect.tryPromise({
    try: async (interrupted) => {
      const signal = AbortSignal.any([interrupted, AbortSignal.timeout(answerTimeout)])
      const [metrics, health, ledger] = await Promise.all(
        ["/metrics", "/health", "/ledger"].map((path) => get(path, signal))
      )
      const found = JSON.parse(health ?? "") as HealthPart | null
      const kept = JSON.parse(ledger ?? "") as { readonly accounts?: ReadonlyArray<AccountPart> } | null
      if (typeof found !== "object" || found === null || !Array.isArray(kept?.accounts)) {
        throw new Error("nothing that is known")
      }
      return { at: performance.now(), samples: parse(metrics ?? ""), health: found, accounts: kept.accounts }
    },
    catch: (cause) =>
      new OperationFailed({
        message: `${target} gave no answer: ${reasonOf(cause)}; is the admin listener there?`,
        exitCode: ExitCode.unavailable
      })
  })
}

const once = (options: Options) =>
  Effect.gen(function*() {
    const before = yield* scrape(options)
    yield* Effect.sleep(options.interval)
    yield* print(options, make(before, yield* scrape(options)))
  })

const print = (options: Options, frame: Frame | undefined, failure?: string) =>
  Effect.callback<void>((resume) => {
    const { output, target } = options
    const size = { columns: plainColumns, rows: Number.POSITIVE_INFINITY, colours: false }
    output.write(`${render(frame, { target, failure, hint: "" }, size).join("\n")}\n${options.once ? "" : "\n"}`, () =>
      resume(Effect.void))
  })

const frames = (options: Options): Effect.Effect<void, OperationFailed, Scope.Scope> =>
  Effect.gen(function*() {
    // Whoever reads has gone, as `head` does: that is the end, not an error.
    const closed = Effect.callback<void>((resume) => {
      options.output.on("error", () => resume(Effect.void))
    })
    const first = yield* scrape(options)
    yield* Effect.raceFirst(
      closed,
      polled(options, first, (frame, failure) => print(options, frame, failure))
    )
  })

const polled = <E>(
  options: Options,
  first: Scrape | undefined,
  show: (frame: Frame | undefined, failure: string | undefined) => Effect.Effect<unknown, E>
) =>
  Effect.gen(function*() {
    let before = first
    let frame: Frame | undefined
    while (true) {
      yield* Effect.sleep(options.interval)
      const now = yield* Effect.result(scrape(options))
      if (now._tag === "Success") {
        frame = make(before, now.success)
        before = now.success
      }
      yield* show(frame, now._tag === "Failure" ? now.failure.message : undefined)
    }
  })

const enter = "\u001b[?1049h\u001b[?25l"
const leave = "\u001b[?25h\u001b[?1049l"
// In raw mode Ctrl-C and Ctrl-D are characters.
const ends = ["q", "Q", "\u0003", "\u0004"]

const screen = (options: Options, output: WriteStream): Effect.Effect<void, OperationFailed, Scope.Scope> =>
  Effect.gen(function*() {
    const input: ReadStream = process.stdin
    let shown: readonly [frame: Frame | undefined, failure: string | undefined] = [undefined, undefined]
    const size = (): Size => ({
      columns: Math.max(1, output.columns),
      rows: Math.max(1, output.rows),
      colours: process.env["NO_COLOR"] === undefined
    })
    const draw = () => {
      const [frame, failure] = shown
      const lines = render(frame, { target: options.target, failure, hint: "q ends" }, size())
      output.write(`\u001b[H${lines.map((line) => `${line}\u001b[K`).join("\r\n")}\u001b[J`)
    }
    const restore = () => {
      if (input.isTTY) input.setRawMode(false)
      output.write(leave)
    }
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        output.write(enter)
        // A second signal ends the process at once: the terminal is given back all the same.
        process.once("exit", restore)
        output.on("resize", draw)
      }),
      () =>
        Effect.sync(() => {
          output.off("resize", draw)
          process.off("exit", restore)
          input.pause()
          restore()
        })
    )
    const ended = Effect.callback<void>((resume) => {
      if (!input.isTTY) return
      input.setRawMode(true)
      input.on("data", (typed) => {
        if (ends.some((key) => String(typed).includes(key))) resume(Effect.void)
      })
    })
    draw()
    const show = (frame: Frame | undefined, failure: string | undefined) =>
      Effect.sync(() => {
        shown = [frame, failure]
        draw()
      })
    const first = yield* Effect.forkChild(Effect.result(scrape(options)))
    const polling = Effect.gen(function*() {
      const begun = yield* Fiber.join(first)
      if (begun._tag === "Failure") yield* show(undefined, begun.failure.message)
      else yield* show(make(undefined, begun.success), undefined)
      yield* polled(options, begun._tag === "Success" ? begun.success : undefined, show)
    })
    yield* Effect.raceFirst(ended, polling)
  })
