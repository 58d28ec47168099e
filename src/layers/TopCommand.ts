import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as ExitCode from "../services/ExitCode.ts"
import { isUrl } from "../services/HealthProbe.ts"
import { duration } from "../services/SettingText.ts"
import { OperationFailed, type Output } from "./OperationCaller.ts"
import * as Target from "./Target.ts"

const shortest = Duration.millis(100)

/**
 * The command `top`: watches a running service through its admin listener.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = (output: Output) =>
  Command.make("top", {
    target: Target.flag,
    interval: Flag.String("interval").pipe(
      Flag.withDescription("how often to look, 100ms or more"),
      Flag.withDefault("1s")
    ),
    once: Flag.Boolean("once").pipe(
      Flag.withDescription("print what happens in one interval, and end"),
      Flag.withDefault(false)
    )
  }, ({ interval, once, target }) =>
    Effect.gen(function*() {
      const every = Result.flatMap(duration(interval), (value) =>
        Duration.isGreaterThanOrEqualTo(value, shortest)
          ? Result.succeed(value)
          : Result.fail("a duration of 100ms or more"))
      const reachable = isUrl(target)
      if (Result.isFailure(every) || !reachable) {
        return yield* new OperationFailed({
          message: [
            ...(Result.isFailure(every) ? [`--interval: expected ${every.failure}`] : []),
            ...(reachable ? [] : ["--target: expected the URL of a listener"])
          ].join("\n"),
          exitCode: ExitCode.usageError
        })
      }
      const { watch } = yield* Effect.promise(() => import("./Top.ts"))
      yield* watch({ target: target.replace(/\/+$/, ""), interval: every.success, once, output: output.stdout })
    }).pipe(
      Effect.tapError(({ message }) => Effect.sync(() => output.stderr.write(`${message}\n`)))
    )).pipe(Command.withDescription("watch a running service: operations, event loop, memory, checks, delivery"))
