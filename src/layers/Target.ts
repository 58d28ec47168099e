import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as ExitCode from "../services/ExitCode.ts"
import { isUrl, quoted } from "../services/HealthProbe.ts"
import { definitions } from "../services/SettingDefinitions.ts"
import { OperationFailed, parseObject, reasonOf } from "./OperationCaller.ts"

/**
 * The flag that says which admin listener a command asks.
 *
 * @category constants
 * @since 1.1.0
 */
export const flag = Flag.String("target").pipe(
  Flag.withDescription("URL of the admin listener of the service"),
  Flag.withDefault(`http://127.0.0.1:${definitions.adminPort.fallback}`)
)

/**
 * A command that failed, with its exit code.
 *
 * @category constructors
 * @since 1.1.0
 */
export const failed = (message: string, exitCode: number): Effect.Effect<never, OperationFailed> =>
  Effect.fail(new OperationFailed({ message, exitCode }))

/**
 * Asks an admin listener. Fails with what it said unless it answers 200; a redirect is not followed.
 *
 * @category requests
 * @since 1.1.0
 */
export const ask = (target: string, path: string, init?: RequestInit): Effect.Effect<Response, OperationFailed> =>
  Effect.gen(function*() {
    if (!isUrl(target)) {
      return yield* failed(
        `--target: expected the URL of an admin listener, got ${quoted(target)}`,
        ExitCode.usageError
      )
    }
    const url = `${target.replace(/\/+$/, "")}${path}`
    const response = yield* answer(target, (signal) => fetch(url, { ...init, redirect: "manual", signal }))
    if (response.status === 200) return response
    const text = yield* answer(target, () => response.text())
    const said = response.headers.get("location") ?? parseObject(text)["message"] ?? text
    return yield* failed(
      `${url} answered ${response.status}: ${String(said).trim()}`,
      ExitCode.fromStatus(response.status) || 1
    )
  })

/**
 * Waits for an answer, or for the rest of one.
 *
 * @category requests
 * @since 1.1.0
 */
export const answer = <A>(
  target: string,
  read: (signal: AbortSignal) => Promise<A>
): Effect.Effect<A, OperationFailed> =>
  Effect.tryPromise({
    try: read,
    catch: (cause) =>
      new OperationFailed({
        message: `${target} gave no answer: ${reasonOf(cause)}; is the admin listener there?`,
        exitCode: ExitCode.unavailable
      })
  })

/**
 * An answer that no admin listener gives.
 *
 * @category constructors
 * @since 1.1.0
 */
export const unknown = ({ status, url }: Response): Effect.Effect<never, OperationFailed> =>
  failed(
    `${url} answered ${status}: nothing that is known; is this the admin listener?`,
    ExitCode.fromStatus(404)
  )
