import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Metric } from "effect"
import * as Microservice from "keelson"
import { bundle } from "keelson/bundle"
import * as LogSink from "keelson/services/LogSink"
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { command, start } from "../../test/utils/service.ts"
import { OrdersApi } from "./api.ts"
import { OrdersHandlers } from "./OrdersHandlers.ts"
import { StockClient } from "./StockClient.ts"

const Test = OrdersHandlers.pipe(
  Layer.provide(StockClient.layerMemory),
  Layer.provideMerge(Microservice.MicroserviceMemory)
)

describe("the orders service, with its platform and its stock in memory", () => {
  it.effect("places orders until the stock is gone, logs and counts them", () =>
    Effect.gen(function*() {
      const { orders } = yield* Microservice.client(OrdersApi)
      const order = yield* orders.place({ payload: { sku: "keel", quantity: 7 } })
      assert.deepStrictEqual(order, { id: 1, sku: "keel", quantity: 7 })
      const refused = yield* Effect.flip(orders.place({ payload: { sku: "keel", quantity: 7 } }))
      assert.deepInclude(refused, { _tag: "OutOfStock", sku: "keel", left: 3 })
      assert.deepStrictEqual(yield* orders.list({ query: {} }), [order])

      const { events } = yield* LogSink.LogSinkMemory
      assert.deepStrictEqual(events.map(({ line }) => (JSON.parse(line) as { message: string }).message), [
        "order placed"
      ])
      const counted = (yield* Metric.snapshot).find(({ id }) => id === "orders_placed_total")
      assert.deepInclude(counted?.state, { count: 1 })
    }).pipe(Effect.provide(Test)))
})

describe("two services that call each other", () => {
  const directory = mkdtempSync(join(tmpdir(), "keelson-shop-"))
  const build = (name: string) =>
    bundle({
      entry: new URL(`${name}.ts`, import.meta.url).pathname,
      outfile: join(directory, `${name}.js`),
      version: "1.1.abcdef"
    })
  const status = async (admin: string, name: string) => {
    const { checks, status } = await (await fetch(`${admin}/health`)).json() as {
      status: string
      checks: Record<string, ReadonlyArray<{ status: string }>>
    }
    return [status, checks[name]?.[0]?.status]
  }
  const until = async (admin: string, name: string, expected: string) => {
    while ((await status(admin, name))[1] !== expected);
  }

  it("place, reserve and ask over HTTP, share one trace, and watch each other", async () => {
    await Promise.all([build("orders"), build("stock")])
    const stockPort = 20_000 + (process.pid % 20_000)
    const orders = await start({
      file: join(directory, "orders.js"),
      env: { STOCK_URL: `http://localhost:${stockPort}` }
    })
    assert.deepStrictEqual(await status(orders.admin, "stock"), ["warn", "warn"])
    const unavailable = await command([
      "orders",
      "place",
      "--sku=a",
      "--quantity=1",
      `--target=${orders.url}`,
      "--json"
    ], {
      file: join(directory, "orders.js")
    })
    assert.strictEqual(unavailable.code, 8)
    assert.strictEqual((JSON.parse(unavailable.stderr) as { _tag: string })._tag, "StockUnavailable")

    const stock = await start({
      file: join(directory, "stock.js"),
      flags: [`--port=${stockPort}`],
      env: { ORDERS_URL: orders.url }
    })
    await until(orders.admin, "stock", "pass")
    await until(stock.admin, "orders", "pass")

    const trace = "0af7651916cd43dd8448eb211c80319c"
    const response = await fetch(`${orders.url}/orders`, {
      method: "POST",
      headers: { "content-type": "application/json", traceparent: `00-${trace}-b7ad6b7169203331-01` },
      body: JSON.stringify({ sku: "mast", quantity: 4 })
    })
    assert.deepStrictEqual(await response.json(), { id: 1, sku: "mast", quantity: 4 })
    const demand = await fetch(`${stock.url}/stock/mast/demand`)
    assert.deepStrictEqual(await demand.json(), { sku: "mast", left: 6, ordered: 4 })
    for (const [service, message] of [[orders, "order placed"], [stock, "stock reserved"]] as const) {
      const line = await service.line((line) => line.message === message)
      assert.strictEqual(line["trace_id"], trace)
    }

    stock.signal("SIGTERM")
    assert.strictEqual((await stock.exit).code, 0)
    await until(orders.admin, "stock", "warn")
    assert.strictEqual((await fetch(`${orders.url}/readyz`)).status, 200)
    orders.signal("SIGTERM")
    assert.strictEqual((await orders.exit).code, 0)
  }, 90_000)
})
