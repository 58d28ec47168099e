import * as Cause from "effect/Cause"
import * as Redactable from "effect/Redactable"
import { formatValue, read } from "./LogValue.ts"

/**
 * Renders a cause with its stacks, as `Cause.pretty` does, whatever failed.
 *
 * Failures that are neither errors nor scalars are shown as `LogValue.formatValue` does: redacted and bounded, also when
 * they are the `cause` of an error. What an `AggregateError` is made of is named after it.
 *
 * @category rendering
 * @since 1.1.0
 */
export const pretty = (cause: Cause.Cause<unknown>): string => {
  try {
    const text = Cause.pretty(
      cause.reasons.every((reason) => isReadable(failureOf(reason), maxDepth))
        ? cause
        : Cause.fromReasons(cause.reasons.map(toReadable))
    )
    const errors = cause.reasons.flatMap((reason) => aggregated(failureOf(reason), maxDepth))
    return errors.length === 0 ? text : `${text}\n[errors]: ${errors.slice(0, mostErrors).map(nameOf).join("; ")}`
  } catch {
    return "[cause could not be read]"
  }
}

/**
 * Names what failed: its tag, else the error's name, else `Fail`, `Die` or `Interrupt`.
 *
 * @category reading
 * @since 1.1.0
 */
export const tag = ({ reasons }: Cause.Cause<unknown>): string => {
  const reason = reasons.find(Cause.isFailReason) ?? reasons.find(Cause.isDieReason)
  if (reason === undefined) return "Interrupt"
  try {
    const failure = failureOf(reason)
    if (typeof failure !== "object" || failure === null) return reason._tag
    const tag: unknown = Reflect.get(failure, "_tag")
    if (typeof tag === "string") return tag
    const name: unknown = failure instanceof Error ? failure.name : undefined
    return typeof name === "string" ? name : reason._tag
  } catch {
    return reason._tag
  }
}

const maxDepth = 10
const mostErrors = 10

// Node's own, of a host with several addresses, says nothing but in its errors.
const aggregated = (failure: unknown, depth: number): ReadonlyArray<unknown> => {
  if (depth === 0 || !(failure instanceof Error)) return []
  return failure instanceof AggregateError ? failure.errors : aggregated(read(failure, "cause"), depth - 1)
}

const nameOf = (error: unknown): string =>
  error instanceof Error && !Redactable.isRedactable(error)
    ? `${String(read(error, "name"))}: ${String(read(error, "message"))}`
    : String(formatValue(error))

const failureOf = (reason: Cause.Reason<unknown>): unknown =>
  Cause.isFailReason(reason) ? reason.error : Cause.isDieReason(reason) ? reason.defect : undefined

const isReadable = (failure: unknown, depth: number): boolean =>
  typeof failure !== "object" || failure === null ||
  (depth > 0 && failure instanceof Error && !Redactable.isRedactable(failure) &&
    isReadable(read(failure, "cause"), depth - 1))

const toReadable = (reason: Cause.Reason<unknown>): Cause.Reason<unknown> => {
  const failure = failureOf(reason)
  return isReadable(failure, maxDepth)
    ? reason
    : Cause.makeFailReason(copyOf(failure, maxDepth)).annotate(Cause.reasonAnnotations(reason))
}

const copyOf = (failure: unknown, depth: number): unknown => {
  if (typeof failure !== "object" || failure === null) return failure
  try {
    return depth > 0 && failure instanceof Error && !Redactable.isRedactable(failure)
      ? {
        name: read(failure, "name"),
        message: String(read(failure, "message")),
        stack: read(failure, "stack"),
        cause: copyOf(read(failure, "cause"), depth - 1)
      }
      : formatValue(failure)
  } catch {
    return "[unreadable]"
  }
}
