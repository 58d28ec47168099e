import { assert, describe, it } from "@effect/vitest"
import { Context } from "effect"
import { once } from "node:events"
import { createServer } from "node:http"
import { type AddressInfo, connect } from "node:net"
import * as ClientErrors from "../../src/layers/ClientErrors.ts"
import * as ObservedResponse from "../../src/layers/ObservedResponse.ts"
import { answers, exchange } from "../utils/rawHttp.ts"

const listen = async ({ requestTimeout }: { readonly requestTimeout: number } = { requestTimeout: 0 }) => {
  const statuses: Array<number> = []
  const watched = {
    annotations: Context.empty(),
    started: () => {},
    finished: ({ statusCode }: ObservedResponse.ObservedResponse) => void statuses.push(statusCode)
  }
  const load = { active: 0 }
  const response = ObservedResponse.make({ draining: () => false, unmatched: watched, load })
  const server = createServer({ ServerResponse: response, requestTimeout, connectionsCheckingInterval: 10 })
  ClientErrors.answer(server, { response, refused: watched })
  await once(server.listen(0, "127.0.0.1"), "listening")
  const { port } = server.address() as AddressInfo
  return { statuses, load, server, url: `http://127.0.0.1:${port}` }
}

describe("what the parser refuses", () => {
  it("is answered once, however often it is found again while the client goes on sending", async () => {
    const { load, server, statuses, url } = await listen()
    let cut: boolean | undefined
    server.on("connection", (socket) => {
      socket.once("data", () => {
        for (let time = 0; time < 3; time++) server.emit("clientError", new Error("Parse Error: no HTTP"), socket)
        cut = socket.destroyed
      })
    })
    const found = answers(await exchange(url, "GET "))
    assert.deepStrictEqual(found.map(({ status }) => status), [400])
    // Destroyed, it would answer what still comes with a reset, which may take the answer away.
    assert.isFalse(cut)
    server.close()
    await once(server, "close")
    while (load.active > 0) await new Promise(setImmediate)
    assert.deepStrictEqual([statuses, load.active], [[400], 0])
  })

  for (
    const [what, next, framing, refused] of [
      ["never sent", undefined, "Content-Length: 9", "HPE_INVALID_EOF_STATE"],
      ["no HTTP", "no chunk\r\n", "Transfer-Encoding: chunked", "HPE_INVALID_CHUNK_SIZE"],
      ["too slow", "", "Content-Length: 9", "ERR_HTTP_REQUEST_TIMEOUT"]
    ] as const
  ) {
    it(`has no second answer when the rest of an answered request is ${what}`, async () => {
      const { load, server, statuses, url } = await listen({ requestTimeout: next === "" ? 100 : 0 })
      const found = once(server, "clientError") as Promise<[NodeJS.ErrnoException]>
      server.on("request", (_, response) => response.writeHead(202, { "content-length": 0 }).end())
      const socket = connect(Number(new URL(url).port), "127.0.0.1")
      socket.write(`POST / HTTP/1.1\r\nHost: here\r\n${framing}\r\n\r\n`)
      let received = ""
      socket.setEncoding("latin1").on("data", (text) => {
        received += text
        if (!received.endsWith("\r\n\r\n")) return
        if (next === undefined) socket.end()
        else if (next !== "") socket.write(next)
      })
      await once(socket, "close")
      server.close()
      await once(server, "close")
      while (load.active > 0) await new Promise(setImmediate)
      assert.strictEqual((await found)[0].code, refused)
      assert.deepStrictEqual(answers(received).map(({ status }) => status), [202])
      assert.deepStrictEqual(statuses, [202])
    })
  }
})
