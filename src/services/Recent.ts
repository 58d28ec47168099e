import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { LogEvent } from "./LogSink.ts"
import type { Datum } from "./MetricSink.ts"

/**
 * How many log entries and how many metrics {@link Recent} keeps.
 *
 * @category constants
 * @since 1.1.0
 */
export const capacity = 10

/**
 * A ring of the last `size` values; `values` lists them oldest first.
 *
 * @category models
 * @since 1.1.0
 */
export interface Ring<A> {
  readonly push: (value: A) => void
  readonly values: () => ReadonlyArray<A>
}

/**
 * Makes an empty {@link Ring}.
 *
 * @category constructors
 * @since 1.1.0
 * @example
 * ```ts
 * const ring = makeRing<number>(2)
 * for (const n of [1, 2, 3]) ring.push(n)
 * ring.values() // [2, 3]
 * ```
 */
export const makeRing = <A>(size: number): Ring<A> => {
  const slots: Array<A> = []
  let next = 0
  return {
    push: (value) => {
      slots[next] = value
      next = next + 1 === size ? 0 : next + 1
    },
    values: () => slots.length < size ? slots.slice() : [...slots.slice(next), ...slots.slice(0, next)]
  }
}

/**
 * The last log entries and the last metrics, as the health page shows them.
 *
 * @category services
 * @since 1.1.0
 */
export class Recent extends Context.Service<Recent, {
  readonly logs: Ring<LogEvent>
  readonly metrics: Ring<Datum>
}>()("keelson/services/Recent") {}

/**
 * Two empty rings of {@link capacity}.
 *
 * @category layers
 * @since 1.1.0
 */
export const layer: Layer.Layer<Recent> = Layer.effect(
  Recent,
  Effect.sync(() => ({ logs: makeRing<LogEvent>(capacity), metrics: makeRing<Datum>(capacity) }))
)
