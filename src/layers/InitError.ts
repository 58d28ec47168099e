import * as Predicate from "effect/Predicate"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"

/**
 * `init` did not do all it was asked to; what it did is on standard output, why it stopped on standard error.
 *
 * @category errors
 * @since 1.1.0
 */
export class InitError extends Schema.TaggedError<InitError>()("InitError", {
  message: Schema.String,
  exitCode: Schema.Int
}) {
  override readonly [Runtime.errorExitCode]: number = this.exitCode
  override readonly [Runtime.errorReported]: boolean = false
}

/**
 * What an error says, with its tag where it has one.
 *
 * @category rendering
 * @since 1.1.0
 */
export const reasonOf = (error: unknown): string => {
  const message = error instanceof Error ? error.message : String(error)
  return Predicate.hasProperty(error, "_tag") ? `${String(error._tag)}: ${message}` : message
}
