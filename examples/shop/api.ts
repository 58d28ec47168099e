import { Schema } from "effect"
import { HttpApi, HttpApiEndpoint, HttpApiGroup } from "effect/http-api"

export class OutOfStock extends Schema.TaggedError<OutOfStock>()("OutOfStock", {
  sku: Schema.String,
  left: Schema.Int
}, { httpApiStatus: 409 }) {}

export class StockUnavailable extends Schema.TaggedError<StockUnavailable>()("StockUnavailable", {
  message: Schema.String
}, { httpApiStatus: 503 }) {}

const Quantity = Schema.Int.pipe(Schema.check(Schema.isGreaterThan(0)))
const Order = Schema.Struct({ id: Schema.Int, sku: Schema.String, quantity: Quantity })

export class OrdersApi extends HttpApi.make("orders").add(
  HttpApiGroup.make("orders").add(
    HttpApiEndpoint.post("place", "/orders", {
      payload: Schema.Struct({ sku: Schema.String, quantity: Quantity }),
      success: Order,
      error: [OutOfStock, StockUnavailable]
    }),
    HttpApiEndpoint.get("list", "/orders", {
      query: { sku: Schema.optionalKey(Schema.String) },
      success: Schema.Array(Order)
    })
  )
) {}

export class StockApi extends HttpApi.make("stock").add(
  HttpApiGroup.make("stock").add(
    HttpApiEndpoint.post("reserve", "/stock/:sku/reservations", {
      params: { sku: Schema.String },
      payload: Schema.Struct({ quantity: Quantity }),
      success: Schema.Struct({ left: Schema.Int }),
      error: OutOfStock
    }),
    HttpApiEndpoint.get("demand", "/stock/:sku/demand", {
      params: { sku: Schema.String },
      success: Schema.Struct({ sku: Schema.String, left: Schema.Int, ordered: Schema.Int })
    })
  )
) {}
