import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { createServer } from "node:net"
import type { AddressInfo } from "node:net"
import * as Microservice from "./Microservice.ts"
import { group } from "./OperationGroup.ts"
import * as RunMain from "./RunMain.ts"

const Count = Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 1, maximum: 100 })))

const Item = Schema.Struct({
  name: Schema.String,
  times: Schema.optionalKey(Count),
  tags: Schema.optionalKey(Schema.Array(Schema.String))
})

class UnknownItem extends Schema.TaggedError<UnknownItem>()("UnknownItem", {
  name: Schema.String,
  message: Schema.String
}, { httpApiStatus: 404 }) {}

const api = HttpApi.make("rehearsal").add(
  HttpApiGroup.make("items").add(
    HttpApiEndpoint.get("get", "/items/:name", {
      params: { name: Schema.String },
      query: { times: Schema.optionalKey(Schema.FiniteFromString) },
      success: Item,
      error: UnknownItem
    })
  ),
  HttpApiGroup.make("others").add(
    HttpApiEndpoint.post("post", "/others", { payload: Item, success: Item }),
    HttpApiEndpoint.get("list", "/others", { query: { most: Count }, success: Schema.Array(Item) }),
    HttpApiEndpoint.get("watch", "/others/watch", { success: HttpApiSchema.StreamNdjson({ schema: Item }) })
  )
)

const unit = Config.Literals(["one", "dozen"], "Unit").pipe(Config.withDefault("one"))

const items = group(api, "items", (handlers) =>
  Effect.gen(function*() {
    const factor = (yield* unit) === "one" ? 1 : 12
    return handlers.handle("get", ({ params: { name }, query: { times = 1 } }) =>
      name === "none"
        ? Effect.fail(new UnknownItem({ name, message: `There is no ${name}` }))
        : Effect.succeed({ name, times: times * factor }))
  }))

const others = group(api, "others", (handlers) =>
  handlers.handleAll({
    post: ({ payload }) => Effect.succeed(payload),
    list: () => Effect.succeed([]),
    watch: () => Effect.succeed(Stream.empty)
  }))

/**
 * Serves a small service in place of the one that is bundled, with what most services have, and says when it has given
 * its first answer: the bundle then keeps what V8 compiled for it. More would be read before that answer, too.
 *
 * @category running
 * @since 1.1.0
 */
export const rehearse = async (rehearsed: () => void): Promise<void> => {
  const port = await freePort()
  const flags = {
    environment: "local",
    host: "127.0.0.1",
    port: String(port),
    "admin-host": "127.0.0.1",
    "admin-port": "0"
  }
  const handlers = Layer.mergeAll(items, others)
  const service = Microservice.serve({ name: "rehearsal", settings: { Unit: unit }, api, handlers }, flags)
  RunMain.start(service, { serving: true })
  while (!await fetch(`http://127.0.0.1:${port}/items/any`).then(({ ok }) => ok, () => false));
  rehearsed()
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
