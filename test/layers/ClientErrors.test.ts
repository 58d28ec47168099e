import { assert, describe, it } from "@effect/vitest"
import { Context } from "effect"
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import * as ClientErrors from "../../src/layers/ClientErrors.ts"
import * as ObservedResponse from "../../src/layers/ObservedResponse.ts"
import { answers, exchange } from "../utils/rawHttp.ts"

describe("what the parser refuses", () => {
  it("is answered once, however often it is found again while the client goes on sending", async () => {
    const statuses: Array<number> = []
    const watched = {
      annotations: Context.empty(),
      started: () => {},
      finished: ({ statusCode }: ObservedResponse.ObservedResponse) => void statuses.push(statusCode)
    }
    let cut: boolean | undefined
    const load = { active: 0 }
    const response = ObservedResponse.make({ draining: () => false, unmatched: watched, load })
    const server = createServer({ ServerResponse: response })
    ClientErrors.answer(server, { response, refused: watched })
    server.on("connection", (socket) => {
      socket.once("data", () => {
        for (let time = 0; time < 3; time++) server.emit("clientError", new Error("Parse Error: no HTTP"), socket)
        cut = socket.destroyed
      })
    })
    await once(server.listen(0, "127.0.0.1"), "listening")
    const { port } = server.address() as AddressInfo
    const found = answers(await exchange(`http://127.0.0.1:${port}`, "GET "))
    assert.deepStrictEqual(found.map(({ status }) => status), [400])
    // Destroyed, it would answer what still comes with a reset, which may take the answer away.
    assert.isFalse(cut)
    server.close()
    await once(server, "close")
    while (load.active > 0) await new Promise(setImmediate)
    assert.deepStrictEqual([statuses, load.active], [[400], 0])
  })
})
