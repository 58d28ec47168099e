import { Effect, Metric } from "effect"
import * as Microservice from "keelson"
import { OrdersApi } from "./api.ts"
import { StockClient } from "./StockClient.ts"

const placed = Metric.counter("orders_placed_total", { description: "Orders placed", incremental: true })

/** The operations of the orders service; the stock it needs is left open, so that a test can give another. */
export const OrdersHandlers = Microservice.group(OrdersApi, "orders", (handlers) =>
  Effect.gen(function*() {
    const stock = yield* StockClient
    const orders: Array<{ readonly id: number; readonly sku: string; readonly quantity: number }> = []
    return handlers.handleAll({
      place: ({ payload: { quantity, sku } }) =>
        Effect.gen(function*() {
          yield* stock.reserve(sku, quantity)
          const order = { id: orders.length + 1, sku, quantity }
          orders.push(order)
          yield* Metric.update(placed, 1)
          yield* Effect.logInfo("order placed", order)
          return order
        }),
      list: ({ query: { sku } }) => Effect.succeed(orders.filter((order) => sku === undefined || order.sku === sku))
    })
  }))
