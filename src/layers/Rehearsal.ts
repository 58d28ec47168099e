import * as Effect from "effect/Effect"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as Schema from "effect/Schema"
import { createServer } from "node:net"
import type { AddressInfo } from "node:net"
import * as Microservice from "./Microservice.ts"
import { group } from "./OperationGroup.ts"
import * as RunMain from "./RunMain.ts"

const Answer = Schema.Struct({ name: Schema.String, times: Schema.Int })

const api = HttpApi.make("rehearsal").add(
  HttpApiGroup.make("rehearsal").add(
    HttpApiEndpoint.get("get", "/rehearsal/:name", {
      params: { name: Schema.String },
      query: { times: Schema.optionalKey(Schema.FiniteFromString) },
      success: Answer
    }),
    HttpApiEndpoint.post("post", "/rehearsal", { payload: Answer, success: Answer })
  )
)

const handlers = group(api, "rehearsal", (handlers) =>
  handlers.handleAll({
    get: ({ params: { name }, query: { times = 1 } }) => Effect.succeed({ name, times }),
    post: ({ payload }) => Effect.succeed(payload)
  }))

/**
 * Serves a small service in place of the one that is bundled, and says when it has given its first answer: the bundle then
 * keeps what V8 compiled for it. More would be read before that answer, too.
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
  RunMain.start(Microservice.serve({ name: "rehearsal", api, handlers }, flags), { serving: true })
  while (!await fetch(`http://127.0.0.1:${port}/rehearsal/once`).then(({ ok }) => ok, () => false));
  rehearsed()
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
