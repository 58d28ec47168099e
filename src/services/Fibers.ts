import * as Context from "effect/Context"
import type * as Fiber from "effect/Fiber"

/**
 * A fiber that has not ended, and when it was first seen (milliseconds since the epoch).
 *
 * @category models
 * @since 1.1.0
 */
export interface LiveFiber {
  readonly fiber: Fiber.Fiber<unknown, unknown>
  readonly since: number
}

/**
 * The live fibers of this process, where they are counted.
 *
 * `list` is there where a list is kept too. It has those that were seen running at least once: not those that wait for
 * their first turn, nor those that are told never to yield.
 *
 * @category references
 * @since 1.1.0
 */
export const Fibers = Context.Reference<
  | { readonly live: () => number; readonly list: (() => ReadonlyArray<LiveFiber>) | undefined }
  | undefined
>("keelson/services/Fibers", { defaultValue: () => undefined })
