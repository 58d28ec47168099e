import { Layer } from "effect"
import * as Microservice from "keelson"
import { OrdersApi } from "./api.ts"
import { OrdersHandlers } from "./OrdersHandlers.ts"
import { check } from "./Peer.ts"
import { StockClient } from "./StockClient.ts"

Microservice.run({
  name: "orders",
  description: "Takes orders and reserves their stock",
  api: OrdersApi,
  handlers: OrdersHandlers.pipe(Layer.provide(StockClient.layer), Layer.merge(check("stock")))
})
