import * as Locator from "keelson/layers/Locator"

/** Where the services of the shop are: `STOCK_URL`, an output `StockUrl` of the stack, or this machine. */
export const locator = Locator.layer({
  orders: [Locator.setting("OrdersUrl"), Locator.address("http://localhost:8080")],
  stock: [Locator.setting("StockUrl"), Locator.address("http://localhost:8081")]
})
