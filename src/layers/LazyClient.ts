import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { classify, DeliveryError } from "../services/DeliveryError.ts"

/**
 * A client that is made when it is first used, and made anew after its credentials were refused or a request hung.
 *
 * @category models
 * @since 1.1.0
 */
export interface LazyClient<Client> {
  readonly use: <A>(
    request: (client: Client, signal: AbortSignal) => Promise<A>
  ) => Effect.Effect<A, DeliveryError>
}

/**
 * Makes a {@link LazyClient} that is closed with the scope. A new client resolves its credentials again; `connect` gets
 * the one it replaces, which knows how wrong this machine's clock is.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = <Client extends { readonly close: () => void }>(
  connect: (previous: Client | undefined) => Promise<Client>
): Effect.Effect<LazyClient<Client>, never, Scope.Scope> =>
  Effect.gen(function*() {
    let current: Promise<Client> | undefined
    let previous: Client | undefined

    const forget = (used: Promise<Client> | undefined) => {
      // Not closed: that would cut the requests of others that are still under way.
      if (current === used) current = undefined
    }

    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        current?.then((client) => client.close(), () => {})
      })
    )
    return {
      use: (request) =>
        Effect.suspend(() => {
          let used: Promise<Client> | undefined
          let connected = false
          return Effect.tryPromise({
            try: async (signal) => {
              used = current ??= connect(previous)
              const client = await used.catch((error: unknown) => {
                forget(used)
                throw error
              })
              previous = client
              connected = true
              return request(client, signal)
            },
            catch: (cause) => connected ? classify(cause) : unsent(cause)
          }).pipe(
            Effect.tapError(({ kind }) =>
              Effect.sync(() => {
                if (kind === "auth") forget(used)
              })
            ),
            // The SDK never gives up asking for credentials, and all later requests of a client wait for the same answer.
            Effect.onInterrupt(() => Effect.sync(() => forget(used)))
          )
        })
    }
  })

/**
 * The failure of what comes before a request: whatever went wrong, that one was not made.
 *
 * @category conversions
 * @since 1.1.0
 */
export const unsent = (cause: unknown): DeliveryError => {
  const { kind, message } = classify(cause)
  const kept = kind === "auth" || kind === "throttle"
  return new DeliveryError({ kind: kept ? kind : "transient", ambiguous: false, message, cause })
}
