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
 * Logs why the process ends as `FATAL`, and waits until the log sink has delivered it.
 *
 * After 2 seconds the line goes to standard error instead, so that it is somewhere.
 *
 * @category running
 * @since 1.1.0
 */
export const tell = Effect.fnUntraced(function*(message: string, cause?: Cause.Cause<unknown>) {
  const logs = yield* Logs
  const sink = yield* LogSink
  const timestamp = yield* Clock.currentTimeMillis
  const line = encode({ timestamp, level: "Fatal", message, cause })
  logs.offer({ timestamp, level: "Fatal", line })
  const flushed = yield* Effect.timeoutOption(sink.flush, deadline)
  if (Option.isNone(flushed)) write(line)
})

/**
 * Ends the process when an exception or a rejection was caught by nobody: {@link tell}s it and exits 1.
 *
 * **Details**
 *
 * Other fibers go on meanwhile; their finalizers do not run.
 *
 * @category layers
 * @since 1.1.0
 */
export const layer: Layer.Layer<never, never, Logs | LogSink> = Layer.effectDiscard(Effect.gen(function*() {
  const runFork = Effect.runForkWith(yield* Effect.context<Logs | LogSink>())
  let crashed = false

  const onException = (error: unknown) => {
    if (crashed) return
    crashed = true
    runFork(Effect.ensuring(tell("the process crashed", Cause.die(error)), Effect.sync(() => process.exit(exitCode))))
  }
  yield* Effect.acquireRelease(
    Effect.sync(() => process.on("uncaughtException", onException)),
    () => Effect.sync(() => process.off("uncaughtException", onException))
  )
}))
