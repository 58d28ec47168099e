import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type Account, describe, droppedOf, rejectedOf } from "../services/Ledger.ts"
import { encode } from "../services/LogEncoder.ts"
import { write } from "./StandardError.ts"

/**
 * Where sinks speak of themselves, a line at a time: standard error, since a sink must not log through itself.
 *
 * @category references
 * @since 1.1.0
 */
export const Write = Context.Reference<(line: string) => void>("keelson/layers/DeliveryReport/Write", {
  defaultValue: () => write
})

const interval = 60_000

/**
 * Makes what tells that an account's items cannot be delivered, at most once a minute, and that they can again.
 *
 * When the scope closes it tells how many were not delivered, if any.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = (
  account: Account
): Effect.Effect<(reason: string | undefined) => void, never, Scope.Scope> =>
  Effect.gen(function*() {
    const clock = yield* Clock.Clock
    const write = yield* Write
    let saidAt = Number.NEGATIVE_INFINITY
    let said = false

    const say = (level: "Info" | "Warn" | "Error", message: string) => {
      const timestamp = clock.currentTimeMillisUnsafe()
      write(encode({ timestamp, level, message, annotations: { ledger: describe(account) } }))
    }
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        const lost = rejectedOf(account) + droppedOf(account)
        if (lost > 0) say("Error", `${lost} ${account.name} were not delivered`)
      })
    )
    return (reason) => {
      const now = clock.currentTimeMillisUnsafe()
      if (reason === undefined) {
        if (said) say("Info", `${account.name} are delivered again`)
        said = false
      } else if (Math.abs(now - saidAt) >= interval) {
        saidAt = now
        said = true
        say("Warn", `${account.name} cannot be delivered for now: ${reason}`)
      }
    }
  })
