/** Effect's `HttpApi` as its guide shows it, without logs and metrics: what keelson stands on. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpRouter from "effect/http/HttpRouter"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { createServer } from "node:http"

const Echo = Schema.Struct({
  text: Schema.String,
  times: Schema.optionalKey(Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 1, maximum: 100 })))),
  tags: Schema.optionalKey(Schema.Array(Schema.String))
})

const Greetings = HttpApiGroup.make("greetings").add(
  HttpApiEndpoint.get("greet", "/greet/:name", {
    params: { name: Schema.String },
    success: Schema.Struct({ message: Schema.String })
  }),
  HttpApiEndpoint.post("echo", "/echo", { payload: Echo, success: Echo })
)

const Api = HttpApi.make("bench").add(Greetings)

const GreetingsHandlers = HttpApiBuilder.group(
  Api,
  "greetings",
  (handlers) =>
    handlers.handleAll({
      greet: ({ params }) => Effect.succeed({ message: `Hello, ${params.name}!` }),
      echo: ({ payload }) => Effect.succeed(payload)
    })
)

const routes = Layer.provide(HttpApiBuilder.layer(Api), GreetingsHandlers)

HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }).pipe(
  Layer.provide(NodeHttpServer.layer(() => createServer(), { host: "0.0.0.0", port: Number(process.env.PORT) })),
  Layer.launch,
  NodeRuntime.runMain
)
