import { afterEach, assert, describe, it } from "@effect/vitest"
import { once } from "node:events"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import * as Region from "../../src/layers/Region.ts"

const variables = ["AWS_REGION", "AWS_DEFAULT_REGION", "AWS_EC2_METADATA_SERVICE_ENDPOINT"]
const before = variables.map((name) => [name, process.env[name]] as const)
let server: Server | undefined

const metadata = async (answer: (method: string, url: string, token: unknown) => string | undefined) => {
  server = createServer(({ headers, method = "", url = "" }, response) => {
    const text = answer(method, url, headers["x-aws-ec2-metadata-token"])
    response.writeHead(text === undefined ? 404 : 200).end(text)
  }).listen(0, "127.0.0.1")
  await once(server, "listening")
  for (const name of variables) delete process.env[name]
  process.env["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

afterEach(() => {
  server?.closeAllConnections()
  server?.close()
  for (const [name, value] of before) {
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }
})

describe("the Region of an instance", () => {
  it("is what its metadata service says to a session token", async () => {
    await metadata((method, url, token) =>
      method === "PUT" && url === "/latest/api/token"
        ? "secret"
        : url === "/latest/meta-data/placement/region" && token === "secret"
        ? "eu-central-1"
        : undefined
    )
    assert.strictEqual(await Region.ofInstance(), "eu-central-1")
  })

  it("is the environment's where that has one, without any request", async () => {
    await metadata(() => assert.fail("asked"))
    process.env["AWS_DEFAULT_REGION"] = "eu-west-3"
    assert.strictEqual(await Region.ofInstance(), "eu-west-3")
    process.env["AWS_REGION"] = "eu-west-2"
    assert.strictEqual(await Region.ofInstance(), "eu-west-2")
  })

  it("cannot be found where nobody answers, which says what to do", async () => {
    await metadata(() => undefined)
    const error = await Region.ofInstance().then(() => assert.fail("found"), (error: Error) => error)
    assert.deepStrictEqual([error.name, error.message], [
      "RegionUnknown",
      "set AWS_REGION, or let this instance reach its metadata service"
    ])
  })
})
