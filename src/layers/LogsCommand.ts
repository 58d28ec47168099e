import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Sse from "effect/encoding/Sse"
import type * as LogLevel from "effect/LogLevel"
import * as Random from "effect/Random"
import * as Backoff from "../services/Backoff.ts"
import * as ExitCode from "../services/ExitCode.ts"
import * as LogPretty from "../services/LogPretty.ts"
import { lostEvent } from "../services/LogTail.ts"
import { capacity } from "../services/Recent.ts"
import { type Output, reasonOf, write } from "./OperationCaller.ts"
import * as Target from "./Target.ts"

// Three of the server's heartbeats: a connection that says nothing for longer is gone.
const silence = "45 seconds"

/**
 * The command `logs`: prints the last lines of a running service, and with `--follow` those that come.
 *
 * **Details**
 *
 * Lines are printed as they are; on a terminal, without `--json`, as `serve` prints them there. A connection that is
 * lost while following is tried again, with growing delays, and lines that were printed before are not printed twice.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = (output: Output) =>
  Command.make("logs", {
    target: Target.flag,
    follow: Flag.Boolean("follow").pipe(
      Flag.withAlias("f"),
      Flag.withDescription("go on with new lines until SIGINT"),
      Flag.withDefault(false)
    ),
    json: Flag.Boolean("json").pipe(
      Flag.withDescription("print lines as they are, on a terminal too"),
      Flag.withDefault(false)
    )
  }, ({ follow, json, target }) =>
    Effect.suspend(() => {
      const print = printer(output, output.stdout.isTTY === true && !json)
      return follow ? following(target, output, print) : recent(target, print)
    }).pipe(
      Effect.catchIf((error) => error instanceof ReaderGone, () => Effect.void),
      Effect.tapError((error) => Effect.sync(() => output.stderr.write(`${error.message}\n`)))
    )).pipe(Command.withDescription("print the last log lines of a running service, or follow them"))

/**
 * Whether arguments are those of a command that runs until it is told to end, and then ended well.
 *
 * @category guards
 * @since 1.1.0
 */
export const isFollowing = ([command, ...flags]: ReadonlyArray<string>): boolean =>
  command === "logs" && flags.some((flag) => flag === "-f" || flag === "--follow" || flag === "--follow=true")

/** Nobody reads standard output any more, as in `logs --follow | head`: there is nothing left to do. */
class ReaderGone {
  readonly _tag = "ReaderGone"
  readonly message = "standard output is closed"
}

/** A connection that may come back. */
class ConnectionLost {
  readonly _tag = "ConnectionLost"
  readonly reason: string
  constructor(reason: string) {
    this.reason = reason
  }
}

type Print = (line: string) => Effect.Effect<void, ReaderGone>

const printer = ({ stdout }: Output, pretty: boolean): Print => {
  const colours = process.env["NO_COLOR"] === undefined
  return (line) => {
    const text = pretty ? LogPretty.render({ timestamp: 0, level: levelOf(line), line }, { colours }) : line
    return Effect.flatMap(
      Effect.promise(() => write(stdout, `${text}\n`)),
      (taken) => taken ? Effect.void : Effect.fail(new ReaderGone())
    )
  }
}

const severities: Readonly<Record<string, LogLevel.Severity>> = {
  TRACE: "Trace",
  DEBUG: "Debug",
  INFO: "Info",
  WARN: "Warn",
  ERROR: "Error",
  FATAL: "Fatal"
}

const levelOf = (line: string): LogLevel.Severity => severities[/"level":"([A-Z]+)"/.exec(line)?.[1] ?? ""] ?? "Info"

// The answer has one line of the log on each of its own, so that each can be printed as it is.
const recent = Effect.fnUntraced(function*(target: string, print: Print) {
  const response = yield* Target.ask(target, "/logs")
  const body = (yield* Target.answer(target, () => response.text())).trim()
  if (!/^\[(\{[^]*\})?\]$/.test(body)) return yield* Target.unknown(response)
  for (const line of body.slice(1, -1).split(",\n")) if (line !== "") yield* print(line)
})

const following = Effect.fnUntraced(function*(target: string, { stderr }: Output, print: Print) {
  const printed: Array<string> = []
  const connect = Effect.filterOrElse(
    Target.ask(target, "/logs?follow"),
    ({ headers }) => headers.get("content-type")?.startsWith("text/event-stream") === true,
    Target.unknown
  )
  let response = yield* connect
  for (let attempt = 1;;) {
    const replayed = new Set(printed)
    let position = 0
    const lost = yield* Effect.flip(events(response, (event) => {
      attempt = 1
      if (event.event === lostEvent) {
        return Effect.sync(() => stderr.write(`${event.data} lines were lost: this reads too slowly\n`))
      }
      // A new connection begins with the last lines, of which some are printed already.
      if (position++ < capacity && replayed.has(event.data)) return Effect.void
      printed.push(event.data)
      if (printed.length > capacity) printed.shift()
      return print(event.data)
    }))
    if (lost._tag === "ReaderGone") return yield* Effect.fail(lost)
    stderr.write(`the connection to ${target} was lost: ${lost.reason}; trying again\n`)
    for (;;) {
      yield* Effect.sleep(Duration.millis(Backoff.delay("transient", attempt++, yield* Random.next)))
      const again = yield* Effect.result(connect)
      if (again._tag === "Success") {
        response = again.success
        break
      }
      if (again.failure.exitCode !== ExitCode.unavailable) return yield* again.failure
    }
  }
})

const events = (
  response: Response,
  take: (event: Sse.Event) => Effect.Effect<unknown, ReaderGone>
): Effect.Effect<never, ConnectionLost | ReaderGone> =>
  Effect.gen(function*() {
    if (response.body === null) return yield* Effect.fail(new ConnectionLost("there was no answer"))
    const reader = response.body.getReader()
    yield* Effect.addFinalizer(() => Effect.promise(() => reader.cancel().catch(() => {})))
    const decoder = new TextDecoder()
    const parsed: Array<Sse.Event> = []
    const parser = Sse.makeParser((event) => {
      if (event._tag === "Event") parsed.push(event)
    })
    for (;;) {
      const chunk = yield* Effect.tryPromise({
        try: () => reader.read(),
        catch: (cause) => new ConnectionLost(reasonOf(cause))
      }).pipe(Effect.timeoutOrElse({
        duration: silence,
        orElse: () => Effect.fail(new ConnectionLost(`nothing came for ${silence}`))
      }))
      if (chunk.done) return yield* Effect.fail(new ConnectionLost("the service ended it"))
      parser.feed(decoder.decode(chunk.value, { stream: true }))
      for (const event of parsed.splice(0)) yield* take(event)
    }
  }).pipe(Effect.scoped)
