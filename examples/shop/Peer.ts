import { Config, Effect, Layer } from "effect"
import { FetchHttpClient, HttpClient, HttpClientResponse } from "effect/http"
import * as Health from "keelson/services/Health"

/** The address of another service of the shop: `STOCK_URL` or `ORDERS_URL`. */
export const urlOf = (name: "stock" | "orders") =>
  Config.String(`${name.toUpperCase()}_URL`).pipe(
    Config.withDefault(name === "orders" ? "http://localhost:8080" : "http://localhost:8081")
  )

/** A dependency check: is the other service ready? Without it this one still serves, so it only warns. */
export const check = (name: "stock" | "orders") =>
  Layer.unwrap(Effect.gen(function*() {
    const url = yield* urlOf(name)
    return Health.check({
      name,
      critical: false,
      interval: "2 seconds",
      check: HttpClient.get(`${url}/readyz`).pipe(Effect.flatMap(HttpClientResponse.filterStatusOk))
    })
  })).pipe(Layer.provide(FetchHttpClient.layer))
