import { afterEach, assert, describe, it } from "@effect/vitest"
import { once } from "node:events"
import { createServer, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import * as TaskMetadata from "../../src/layers/TaskMetadata.ts"

let server: Server | undefined

const serve = async (answer: (response: ServerResponse, url: string | undefined) => void) => {
  server = createServer(({ url }, response) => answer(response, url)).listen(0, "127.0.0.1")
  await once(server, "listening")
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v4/abc`
}

afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

describe("the metadata of a task", () => {
  for (const arn of ["task/158d1c8083dd49d6", "task/ecs-local-cluster/158d1c8083dd49d6"]) {
    it(`has its Region and its id, from ${arn}`, async () => {
      const uri = await serve((response, url) =>
        response.writeHead(url === "/v4/abc/task" ? 200 : 404)
          .end(JSON.stringify({ TaskARN: `arn:aws:ecs:eu-west-3:111122223333:${arn}` }))
      )
      assert.deepStrictEqual(await TaskMetadata.read(uri), { region: "eu-west-3", task: "158d1c8083dd49d6" })
    })
  }

  for (
    const [what, answer] of [
      ["says no", (response: ServerResponse) => response.writeHead(404).end()],
      ["says garbage", (response: ServerResponse) => response.end("<html>")],
      ["has no task", (response: ServerResponse) => response.end("{}")],
      ["says nothing", () => {}]
    ] as const
  ) {
    it(`cannot be read where the endpoint ${what}`, async () => {
      const uri = await serve(answer)
      assert.instanceOf(await TaskMetadata.read(uri).then(() => assert.fail("read"), (error: unknown) => error), Error)
    })
  }
})
