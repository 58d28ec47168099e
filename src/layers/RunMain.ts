import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import * as Runtime from "effect/Runtime"
import { constants } from "node:os"
import { encodeString, encodeTimestamp } from "../services/LogEncoder.ts"
import { bundled } from "./Bundled.ts"
import { write } from "./StandardError.ts"

/**
 * Whether the program is a server, to which a signal is a good end.
 *
 * @category models
 * @since 1.1.0
 */
export interface Options {
  readonly serving: boolean
}

/**
 * Runs the main program of the process and sets its exit code.
 *
 * **Details**
 *
 * The first SIGTERM or SIGINT interrupts the program; a server that then ends well exits 0, a command 130. A second
 * signal ends the process at once. A failure that nobody reported yet is one line on standard error.
 *
 * @category running
 * @since 1.1.0
 */
export const run = <A, E>(program: Effect.Effect<A, E>, options: Options): void => {
  const rehearsed = bundled?.rehearsed
  if (rehearsed === undefined) start(program, options)
  else void import("./Rehearsal.ts").then(({ rehearse }) => rehearse(rehearsed))
}

/**
 * Runs the main program also while the bundle is built, when {@link run} leaves it out.
 *
 * @category running
 * @since 1.1.0
 */
export const start = <A, E>(program: Effect.Effect<A, E>, options: Options): void => {
  let signals = 0
  const onSignal = (signal: NodeJS.Signals) => {
    signals++
    if (signals > 1) process.exit(128 + constants.signals[signal])
  }
  process.on("SIGTERM", onSignal)
  process.on("SIGINT", onSignal)
  NodeRuntime.runMain(program, {
    disableErrorReporting: true,
    teardown: (exit, onExit) => {
      // Here is what a finalizer failed with, too.
      if (Exit.isFailure(exit)) report(exit.cause)
      onExit(
        options.serving && Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)
          ? 0
          : exitCodeOf(exit)
      )
    }
  })
}

const exitCodeOf = (exit: Exit.Exit<unknown, unknown>): number => {
  let code = 1
  Runtime.defaultTeardown(exit, (given) => {
    code = given
  })
  return code
}

const report = (cause: Cause.Cause<unknown>): void => {
  const error = Cause.squash(cause)
  if (Cause.hasInterruptsOnly(cause) || !Runtime.getErrorReported(error)) return
  const tag = Predicate.hasProperty(error, "_tag") ? String(error._tag) : undefined
  const message = tag === undefined ? Cause.pretty(cause) : `${tag}: ${error instanceof Error ? error.message : ""}`
  write(
    process.stderr.isTTY
      ? message
      : `{"timestamp":"${encodeTimestamp(Date.now())}","level":"FATAL","message":${encodeString(message)}}`
  )
}
