import { Context, Effect, Layer } from "effect"
import * as Locator from "keelson/layers/Locator"
import { OutOfStock, StockApi, StockUnavailable } from "./api.ts"

/** What the orders service needs of the stock service. */
export class StockClient extends Context.Service<StockClient, {
  readonly reserve: (sku: string, quantity: number) => Effect.Effect<void, OutOfStock | StockUnavailable>
}>()("shop/StockClient") {
  /** The running stock service, through its typed client. */
  static readonly layer = Layer.effect(
    StockClient,
    Effect.gen(function*() {
      const { stock } = yield* Locator.client(StockApi, "stock")
      return {
        reserve: (sku, quantity) =>
          stock.reserve({ params: { sku }, payload: { quantity } }).pipe(
            Effect.asVoid,
            Effect.catchTag(["HttpClientError", "LocatorError", "SchemaError"], (error) =>
              Effect.fail(new StockUnavailable({ message: error.message })))
          )
      }
    })
  )

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
