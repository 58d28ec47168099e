import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Scope from "effect/Scope"
import * as BreakGlass from "../services/BreakGlass.ts"

/**
 * Arms and disarms with a `WARN` line each, also when the time is over, and keeps the gauge `keelson_debug_armed`.
 *
 * @category layers
 * @since 1.1.0
 */
export const layer: Layer.Layer<BreakGlass.BreakGlass> = Layer.effect(
  BreakGlass.BreakGlass,
  Effect.gen(function*() {
    const state = yield* BreakGlass.BreakGlass
    const scope = yield* Scope.Scope
    Metric.registerUnsafe(
      Metric.gauge("keelson_debug_armed", { description: "1 while heap snapshots can be taken" }),
      yield* Effect.context<never>(),
      { get: () => ({ value: state.armed() === undefined ? 0 : 1 }), update: () => {}, modify: () => {} }
    )
    let timer: Fiber.Fiber<void> | undefined
    const disarmed = (how: string, fields: Record<string, string>) =>
      Effect.logWarning(`debugging is disarmed: ${how}`, fields)

    return {
      armed: state.armed,
      arm: (options) =>
        Effect.gen(function*() {
          const { reason, until } = yield* state.arm(options)
          timer?.interruptUnsafe()
          timer = yield* Effect.sleep(options.duration).pipe(
            Effect.andThen(
              Effect.suspend(() => state.armed() === undefined ? disarmed("the time is over", { reason }) : Effect.void)
            ),
            Effect.forkIn(scope)
          )
          yield* Effect.logWarning(`debugging is armed for ${Duration.format(options.duration)}: ${reason}`, {
            reason,
            until: new Date(until).toISOString(),
            peer: options.peer
          })
          return { reason, until }
        }),
      disarm: (peer) =>
        Effect.suspend(() => {
          const armed = state.armed()
          timer?.interruptUnsafe()
          return armed === undefined
            ? Effect.void
            : Effect.andThen(state.disarm(peer), disarmed("it was asked for", { reason: armed.reason, peer }))
        })
    }
  })
).pipe(Layer.provide(BreakGlass.layerMemory))
