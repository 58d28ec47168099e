import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import { get } from "node:http"
import * as ExitCode from "../services/ExitCode.ts"
import * as Settings from "../services/Settings.ts"
import * as SettingText from "../services/SettingText.ts"

/**
 * The service did not become ready; what it last answered is on standard error.
 *
 * @category errors
 * @since 1.1.0
 */
export class NotReady extends Schema.TaggedError<NotReady>()("NotReady", {
  message: Schema.String,
  exitCode: Schema.Int
}) {
  override readonly [Runtime.errorExitCode]: number = this.exitCode
  override readonly [Runtime.errorReported]: boolean = false
}

/**
 * How long `wait-ready` waits unless told.
 *
 * @category constants
 * @since 1.1.0
 */
export const defaultTimeout = "30s"

const pollInterval = "100 millis"
const attemptTimeout = 1000

/**
 * The command `wait-ready`: ends once `/readyz` of the service listener answers 200.
 *
 * **Details**
 *
 * It asks at `--host` and `--port`, or `HOST` and `PORT`; a listener on every address is asked on loopback. Where
 * `MAINPID` names a process, as for systemd's `ExecStartPost`, it ends as soon as that process does.
 *
 * @category running
 * @since 1.1.0
 */
export const waitReady = (
  { timeout: given = defaultTimeout, ...flags }: Readonly<Record<string, string | undefined>>,
  env: Readonly<Record<string, string | undefined>>
): Effect.Effect<void, NotReady | Settings.SettingsError> =>
  Effect.gen(function*() {
    const limit = SettingText.duration(given)
    if (Result.isFailure(limit)) {
      return yield* refuse(`--timeout is ${JSON.stringify(given)}, expected ${limit.failure}`)
    }
    const { host, port } = yield* Effect.fromResult(Settings.read(["host", "port"], { flags, env }))
    if (port === 0) return yield* refuse("port 0 is any free one: say which it is, --port")

    const url = `http://${askable(host)}:${port}/readyz`
    const main = Number(env["MAINPID"])
    let last = "no answer yet"
    const poll = Effect.gen(function*() {
      while (true) {
        const answer = yield* ask(url)
        if (answer === "ready") return
        last = answer
        if (main > 0 && !lives(main)) {
          return yield* new NotReady({
            message: `the service (process ${main}) ended before it was ready; its log has the reason`,
            exitCode: 1
          })
        }
        yield* Effect.sleep(pollInterval)
      }
    })
    yield* Effect.timeoutOrElse(poll, {
      duration: limit.success,
      orElse: () =>
        Effect.fail(
          new NotReady({
            message: `not ready within ${Duration.format(limit.success)}: ${url}: ${last}`,
            exitCode: ExitCode.timedOut
          })
        )
    })
  }).pipe(
    Effect.tapError((error) =>
      error instanceof NotReady ? Effect.sync(() => process.stderr.write(`${error.message}\n`)) : Effect.void
    )
  )

const refuse = (message: string) => new NotReady({ message, exitCode: ExitCode.usageError })

const askable = (host: string) =>
  host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host.includes(":") ? `[${host}]` : host

const ask = (url: string): Effect.Effect<string> =>
  Effect.callback((resume) => {
    const request = get(url, { agent: false, timeout: attemptTimeout }, (response) => {
      response.resume()
      resume(Effect.succeed(response.statusCode === 200 ? "ready" : `HTTP ${response.statusCode}`))
    })
    request.on("timeout", () => request.destroy(new Error("no answer")))
    request.on("error", (error: NodeJS.ErrnoException) => resume(Effect.succeed(error.code ?? error.message)))
    return Effect.sync(() => request.destroy())
  })

// A process of another user is one too.
const lives = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH"
  }
}
