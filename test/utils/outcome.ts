import { Effect, Result } from "effect"

/** What comes of decoding or encoding, to be compared: JSON, or that it was refused. */
export const outcome = (effect: Effect.Effect<unknown, unknown, unknown>) =>
  Effect.map(
    Effect.result(effect as Effect.Effect<unknown, unknown>),
    Result.match({ onFailure: () => "refused", onSuccess: (value) => JSON.stringify(value) })
  )
