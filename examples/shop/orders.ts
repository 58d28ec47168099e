import { Layer } from "effect"
import * as Microservice from "keelson"
import * as Locator from "keelson/layers/Locator"
import { OrdersApi } from "./api.ts"
import { locator } from "./locator.ts"
import { OrdersHandlers } from "./OrdersHandlers.ts"
import { StockClient } from "./StockClient.ts"

Microservice.run({
  name: "orders",
  description: "Takes orders and reserves their stock",
  api: OrdersApi,
  handlers: OrdersHandlers.pipe(
    Layer.provide(StockClient.layer),
    Layer.merge(Locator.check("stock", { interval: "2 seconds" })),
    Layer.provide(locator)
  )
})
