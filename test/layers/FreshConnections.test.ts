import { assert, describe, it } from "@effect/vitest"
import { once } from "node:events"
import { createServer } from "node:http"
import { type AddressInfo, connect, type Socket } from "node:net"
import * as FreshConnections from "../../src/layers/FreshConnections.ts"

/** A server that ends every connection that waits, as Node 26 does. */
const serve = async () => {
  const server = createServer({ keepAliveTimeout: 60_000 }, (_, response) => response.end("ok"))
  const sockets: Array<Socket> = []
  server.on("connection", (socket) => sockets.push(socket))
  const sparing = FreshConnections.watch(server)
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const open = async () => {
    const { port } = server.address() as AddressInfo
    const [client] = await Promise.all([connect(port, "127.0.0.1"), once(server, "connection")])
    return client
  }
  return {
    open,
    close: () => sparing(() => sockets.forEach((socket) => socket.destroy())),
    end: () => server.close()
  }
}

const ask = async (client: Socket) => {
  client.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
  const [answer] = (await once(client, "data")) as [Buffer]
  return answer.toString().slice(0, 15)
}

describe("connections that have sent nothing yet", () => {
  it("are spared, and answered, when those that wait are ended", async () => {
    const { close, end, open } = await serve()
    const asked = await open()
    assert.strictEqual(await ask(asked), "HTTP/1.1 200 OK")
    const fresh = [await open(), await open()]
    close()
    await once(asked, "close")
    for (const client of fresh) assert.strictEqual(await ask(client), "HTTP/1.1 200 OK")
    close()
    await Promise.all(fresh.map((client) => once(client, "close")))
    end()
  })

  it("are told from any number that have asked", async () => {
    const { close, end, open } = await serve()
    const asked: Array<Socket> = []
    for (let index = 0; index < 40; index++) {
      const client = await open()
      assert.strictEqual(await ask(client), "HTTP/1.1 200 OK")
      asked.push(client)
    }
    const fresh = await open()
    const ended = Promise.all(asked.map((client) => once(client, "close")))
    close()
    await ended
    assert.strictEqual(await ask(fresh), "HTTP/1.1 200 OK")
    close()
    await once(fresh, "close")
    end()
  })
})
