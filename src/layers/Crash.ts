import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { encode } from "../services/LogEncoder.ts"
import { Logs } from "../services/Logs.ts"
import { LogSink } from "../services/LogSink.ts"
import { write } from "./StandardError.ts"

const deadline = Duration.seconds(2)
const exitCode = 1

/**
 * Ends the process when an exception or a rejection was caught by nobody: logs it as `FATAL`, has the log sink deliver
 * what it holds for at most 2 seconds, and exits 1.
 *
 * **Details**
 *
 * When those seconds are not enough, the line goes to standard error instead, so that it is somewhere. Other fibers go
 * on meanwhile; their finalizers do not run.
 *
 * @category layers
 * @since 1.1.0
 */
export const layer: Layer.Layer<never, never, Logs | LogSink> = Layer.effectDiscard(Effect.gen(function*() {
  const logs = yield* Logs
  const sink = yield* LogSink
  const clock = yield* Clock.Clock
  const runFork = Effect.runForkWith(yield* Effect.context<never>())
  let crashed = false

  const onException = (error: unknown) => {
    if (crashed) return
    crashed = true
    const timestamp = clock.currentTimeMillisUnsafe()
    const line = encode({
      timestamp,
      level: "Fatal",
      message: "the process crashed",
      cause: Cause.die(error)
    })
    logs.offer({ timestamp, level: "Fatal", line })
    runFork(Effect.map(Effect.timeoutOption(sink.flush, deadline), (flushed) => {
      if (Option.isNone(flushed)) write(line)
      process.exit(exitCode)
    }))
  }
  yield* Effect.acquireRelease(
    Effect.sync(() => process.on("uncaughtException", onException)),
    () => Effect.sync(() => process.off("uncaughtException", onException))
  )
}))
