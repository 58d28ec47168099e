import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Health } from "../services/Health.ts"
import { Ledger } from "../services/Ledger.ts"

/**
 * Makes the service `warn` while one of its sinks cannot deliver: it still serves, and what it says is kept.
 *
 * @category layers
 * @since 1.1.0
 */
export const layer: Layer.Layer<never, never, Health | Ledger> = Layer.effectDiscard(Effect.gen(function*() {
  const health = yield* Health
  const ledger = yield* Ledger
  for (const account of ledger.accounts()) {
    yield* health.register({
      name: `delivery of ${account.name}`,
      description: `${account.name} reach CloudWatch`,
      critical: false,
      interval: "1 second",
      down: 1,
      up: 1,
      check: Effect.suspend(() => account.failure === undefined ? Effect.void : Effect.fail(account.failure))
    })
  }
}))
