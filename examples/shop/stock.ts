import { Effect, Layer } from "effect"
import * as Microservice from "keelson"
import * as Locator from "keelson/layers/Locator"
import { OrdersApi, OutOfStock, StockApi } from "./api.ts"
import { locator } from "./locator.ts"

const StockHandlers = Microservice.group(StockApi, "stock", (handlers) =>
  Effect.gen(function*() {
    const { orders } = yield* Locator.client(OrdersApi, "orders")
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
  }))

Microservice.run({
  name: "stock",
  description: "Knows what is left and reserves it",
  api: StockApi,
  handlers: StockHandlers.pipe(Layer.merge(Locator.check("orders", { interval: "2 seconds" })), Layer.provide(locator))
})
