import { Effect, Layer } from "effect"
import { FetchHttpClient } from "effect/http"
import { HttpApiClient } from "effect/http-api"
import * as Microservice from "keelson"
import { OrdersApi, OutOfStock, StockApi } from "./api.ts"
import { check, urlOf } from "./Peer.ts"

const StockHandlers = Microservice.group(StockApi, "stock", (handlers) =>
  Effect.gen(function*() {
    const { orders } = yield* HttpApiClient.make(OrdersApi, { baseUrl: yield* urlOf("orders") })
    const stock = new Map<string, number>()
    const leftOf = (sku: string) => stock.get(sku) ?? 10
    return handlers.handleAll({
      reserve: ({ params: { sku }, payload: { quantity } }) =>
        Effect.gen(function*() {
          const left = leftOf(sku) - quantity
          if (left < 0) return yield* new OutOfStock({ sku, left: leftOf(sku) })
          stock.set(sku, left)
          yield* Effect.logInfo("stock reserved", { sku, quantity, left })
          return { left }
        }),
      demand: ({ params: { sku } }) =>
        orders.list({ query: { sku } }).pipe(
          Effect.map((placed) => ({
            sku,
            left: leftOf(sku),
            ordered: placed.reduce((sum, { quantity }) => sum + quantity, 0)
          })),
          Effect.orDie
        )
    })
  })).pipe(Layer.provide(FetchHttpClient.layer))

Microservice.run({
  name: "stock",
  description: "Knows what is left and reserves it",
  api: StockApi,
  handlers: StockHandlers.pipe(Layer.merge(check("orders")))
})
