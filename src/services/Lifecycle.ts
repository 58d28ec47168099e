import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/**
 * Where the process is in its life. It only moves forwards.
 *
 * @category models
 * @since 1.1.0
 */
export type State = "starting" | "ready" | "draining" | "stopped"

const order: ReadonlyArray<State> = ["starting", "ready", "draining", "stopped"]

/**
 * The process's one-way life: starting → ready → draining → stopped.
 *
 * `state` is read on every request, so it is a plain function. `advance` ignores a move backwards.
 *
 * @category services
 * @since 1.1.0
 */
export class Lifecycle extends Context.Service<Lifecycle, {
  readonly state: () => State
  readonly advance: (to: State) => Effect.Effect<void>
}>()("keelson/services/Lifecycle") {}

/**
 * A life that has just begun.
 *
 * @category layers
 * @since 1.1.0
 */
export const layer: Layer.Layer<Lifecycle> = Layer.effect(
  Lifecycle,
  Effect.sync(() => {
    let current: State = "starting"
    return {
      state: () => current,
      advance: (to) =>
        Effect.sync(() => {
          if (order.indexOf(to) > order.indexOf(current)) current = to
        })
    }
  })
)
