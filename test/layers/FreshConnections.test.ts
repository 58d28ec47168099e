import { assert, describe, it } from "@effect/vitest"
import { once } from "node:events"
import { createServer } from "node:http"
import { type AddressInfo, connect, type Socket } from "node:net"
import { setImmediate } from "node:timers/promises"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import * as FreshConnections from "../../src/layers/FreshConnections.ts"

setFlagsFromString("--expose-gc")
const collect = runInNewContext("gc") as () => void

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

  it("are not remembered once they are closed", async () => {
    const server = createServer((_, response) => response.end("ok"))
    const taken: Array<WeakRef<Socket>> = []
    server.on("connection", (socket) => taken.push(new WeakRef(socket)))
    FreshConnections.watch(server)
    server.listen(0, "127.0.0.1")
    await once(server, "listening")
    const { port } = server.address() as AddressInfo
    const few = 5
    for (let index = 0; index < few; index++) {
      const client = connect(port, "127.0.0.1")
      await ask(client)
      client.destroy()
      await once(client, "close")
    }
    // V8 may keep the last one a while longer.
    do {
      await setImmediate()
      collect()
    } while (taken.filter((socket) => socket.deref() === undefined).length < few - 1)
    server.close()
  })
})
