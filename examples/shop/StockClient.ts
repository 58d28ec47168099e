import { Context, Effect, Layer } from "effect"
import { FetchHttpClient } from "effect/http"
import { HttpApiClient } from "effect/http-api"
import { OutOfStock, StockApi, StockUnavailable } from "./api.ts"
import { urlOf } from "./Peer.ts"

/** What the orders service needs of the stock service. */
export class StockClient extends Context.Service<StockClient, {
  readonly reserve: (sku: string, quantity: number) => Effect.Effect<void, OutOfStock | StockUnavailable>
}>()("shop/StockClient") {
  /** The running stock service, through its typed client. */
  static readonly layer = Layer.effect(
    StockClient,
    Effect.gen(function*() {
      const { stock } = yield* HttpApiClient.make(StockApi, { baseUrl: yield* urlOf("stock") })
      return {
        reserve: (sku, quantity) =>
          stock.reserve({ params: { sku }, payload: { quantity } }).pipe(
            Effect.asVoid,
            Effect.catchTag(["HttpClientError", "SchemaError"], (error) =>
              Effect.fail(new StockUnavailable({ message: error.message })))
          )
      }
    })
  ).pipe(Layer.provide(FetchHttpClient.layer))

  /** Ten of everything, in memory. */
  static readonly layerMemory = Layer.sync(StockClient, () => {
    const left = new Map<string, number>()
    return {
      reserve: (sku, quantity) =>
        Effect.suspend(() => {
          const now = left.get(sku) ?? 10
          if (now < quantity) return Effect.fail(new OutOfStock({ sku, left: now }))
          left.set(sku, now - quantity)
          return Effect.void
        })
    }
  })
}
