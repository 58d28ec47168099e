import { assert, describe, it } from "@effect/vitest"
import cluster from "node:cluster"
import { once } from "node:events"
import { createServer, get } from "node:http"
import type { AddressInfo } from "node:net"
import { networkInterfaces } from "node:os"
import * as ListenAlone from "../../src/layers/ListenAlone.ts"
import { runLibrary } from "../utils/runLibrary.ts"

const listening = async (place: ListenAlone.Place) => {
  const server = createServer((_, response) => response.end("here"))
  const event = once(server, "listening")
  ListenAlone.listen(server, place)
  await event
  const address = server.address() as AddressInfo
  return { ...address, close: () => new Promise((resolve) => server.close(resolve)) }
}

const ask = (host: string, port: number): Promise<string> =>
  new Promise((resolve, reject) => {
    get({ host, port, agent: false }, async (response) => {
      let text = ""
      for await (const chunk of response) text += String(chunk)
      resolve(text)
    }).on("error", reject)
  })

const hasIPv6 = Object.values(networkInterfaces()).flat().some((address) => address?.family === "IPv6")

describe("listening alone", () => {
  it("takes an address, a name or every address, as Node does", async () => {
    for (const host of ["127.0.0.1", "localhost", undefined, ...hasIPv6 ? ["::1", "::"] : []]) {
      const { close, port, ...address } = await listening(host === undefined ? { port: 0 } : { host, port: 0 })
      const documented = createServer().listen(host === undefined ? { port: 0 } : { host, port: 0 })
      await once(documented, "listening")
      const { port: _, ...expected } = documented.address() as AddressInfo
      documented.close()
      assert.deepStrictEqual(address, expected, String(host))
      assert.strictEqual(await ask(host ?? "localhost", port), "here", String(host))
      await close()
    }
  })

  it("tells of a port that is in use as Node does", async () => {
    const { close, port } = await listening({ host: "127.0.0.1", port: 0 })
    const fail = async (listen: (server: ReturnType<typeof createServer>) => void) => {
      const server = createServer()
      const event = once(server, "error")
      listen(server)
      const [{ address, code, message, syscall }] = await event as [
        NodeJS.ErrnoException & { readonly address: string }
      ]
      return { address, code, message, syscall }
    }
    const alone = await fail((server) => ListenAlone.listen(server, { host: "127.0.0.1", port }))
    assert.deepStrictEqual(alone, await fail((server) => server.listen({ host: "127.0.0.1", port })))
    assert.strictEqual(alone.code, "EADDRINUSE")
    await close()
  })

  it("is what Node documents where Node has no other way", async () => {
    const server = Object.assign(createServer((_, response) => response.end("here")), { _listen2: undefined })
    let asked: unknown
    const { listen } = server
    server.listen = (place: unknown) => {
      asked = place
      Reflect.deleteProperty(server, "_listen2")
      return listen.call(server, place as never)
    }
    const event = once(server, "listening")
    const place = { host: "127.0.0.1", port: 0 }
    ListenAlone.listen(server, place)
    await event
    assert.strictEqual(asked, place)
    assert.strictEqual(await ask("127.0.0.1", (server.address() as AddressInfo).port), "here")
    server.close()
  })

  it("loads no cluster", () => {
    const loaded = runLibrary(
      "layers/ListenAlone.js",
      `async ({ listen }) => {
  const { createServer } = await import("node:http")
  const server = createServer()
  const event = new Promise((resolve) => server.once("listening", resolve))
  listen(server, { host: "127.0.0.1", port: 0 })
  await event
  return process.moduleLoadList.includes("NativeModule cluster")
}`
    )
    assert.isFalse(loaded)
  })

  it("shares its port with the other workers of a cluster", async () => {
    cluster.setupPrimary({ exec: new URL("../fixtures/clusterWorker.mjs", import.meta.url).pathname })
    const workers = [cluster.fork(), cluster.fork()]
    const ports = await Promise.all(workers.map(async (worker) => {
      const [{ port }] = await once(worker, "listening") as [AddressInfo]
      return port
    }))
    const served = new Set<string>()
    while (served.size < 2) served.add(await ask("127.0.0.1", ports[0] ?? 0))
    assert.deepStrictEqual([...served].map(Number).sort(), workers.map(({ process }) => process.pid).sort())
    await Promise.all(workers.map((worker) => {
      const gone = once(worker, "exit")
      worker.kill("SIGKILL")
      return gone
    }))
  })
})
