/** A service with the mistake of a label without bound: `GET /offer` counts for as many users as it is told. */
import * as Effect from "effect/Effect"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as Metric from "effect/Metric"
import * as Schema from "effect/Schema"
import { monitorEventLoopDelay } from "node:perf_hooks"
import * as Microservice from "../../dist/lib/layers/Microservice.js"

const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()

const metrics = {
  counter: (attributes) => Metric.counter("orders_total", { incremental: true, attributes }),
  histogram: (attributes) =>
    Metric.histogram("order_seconds", { boundaries: [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10], attributes }),
  frequency: () => Metric.frequency("order_users")
}

const Offer = Schema.Struct({
  kind: Schema.Literals(["counter", "histogram", "frequency"]),
  first: Schema.FiniteFromString,
  count: Schema.FiniteFromString
})

const Api = HttpApi.make("series").add(
  HttpApiGroup.make("series").add(
    HttpApiEndpoint.get("offer", "/offer", { query: Offer, success: Schema.Finite }),
    HttpApiEndpoint.get("delay", "/delay", { success: Schema.Finite })
  )
)

const Handlers = Microservice.group(Api, "series", (handlers) =>
  handlers.handleAll({
    offer: ({ query: { count, first, kind } }) =>
      Effect.contextWith((context) =>
        Effect.sync(() => {
          for (let user = first; user < first + count; user++) {
            const input = kind === "frequency" ? `user-${user}` : 1
            metrics[kind]({ user: `user-${user}` }).updateUnsafe(input, context)
          }
          return count
        })
      ),
    delay: () =>
      Effect.sync(() => {
        const { max } = delay
        delay.reset()
        return max / 1e6
      })
  }))

Microservice.run({ name: "series", api: Api, handlers: Handlers })
