import { afterEach, assert, describe, it } from "@effect/vitest"
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { createServer, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import * as InstanceMetadata from "../../src/layers/InstanceMetadata.ts"
import { freePort, until } from "../utils/aws.ts"
import { startMetadata } from "../utils/metadata.ts"

const variable = "AWS_EC2_METADATA_SERVICE_ENDPOINT"
let server: Server | undefined
let metadata: Awaited<ReturnType<typeof startMetadata>> | undefined

/** A metadata service that answers with what `paths` says. */
const serve = async (paths: Readonly<Record<string, string>>) => {
  metadata = await startMetadata(paths)
  process.env[variable] = metadata.url
}

afterEach(() => {
  metadata?.close()
  server?.closeAllConnections()
  server?.close()
  delete process.env[variable]
})

describe("the metadata of an instance", () => {
  it("has its Region and its tags", async () => {
    await serve({
      "placement/region": "eu-central-1",
      "tags/instance": "Name\naws:cloudformation:stack-name",
      "tags/instance/Name": "orders 1",
      "tags/instance/aws:cloudformation:stack-name": "orders-prod"
    })
    const metadata = InstanceMetadata.make()
    assert.strictEqual(await metadata.region(), "eu-central-1")
    assert.deepStrictEqual(await metadata.tags(), { Name: "orders 1", "aws:cloudformation:stack-name": "orders-prod" })
  })

  it("has no tags where they are off", async () => {
    await serve({ "placement/region": "eu-central-1" })
    assert.deepStrictEqual(await InstanceMetadata.make().tags(), {})
  })

  for (
    const [what, answer] of [
      ["no token is given", (response: ServerResponse) => response.writeHead(403).end()],
      ["an answer never comes", () => {}],
      ["it breaks off", (response: ServerResponse) => response.destroy()]
    ] as const
  ) {
    it(`cannot be read where ${what}`, async () => {
      server = createServer((_, response) => void answer(response)).listen(0, "127.0.0.1")
      await once(server, "listening")
      process.env[variable] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      const failures = await Promise.allSettled([InstanceMetadata.make().region(), InstanceMetadata.make().tags()])
      assert.deepStrictEqual(failures.map(({ status }) => status), ["rejected", "rejected"])
    })
  }

  it("fails where nobody answers, and says what to do", async () => {
    process.env[variable] = "http://127.0.0.1:1"
    const error = await InstanceMetadata.make().region().then(() => assert.fail("answered"), (error: Error) => error)
    assert.deepStrictEqual([error.name, error.message], [
      "RegionUnknown",
      "set AWS_REGION, or let this instance reach its metadata service"
    ])
    await InstanceMetadata.make().tags().then(() => assert.fail("answered"), () => undefined)
  })
})

// AWS's own mock of the metadata service: go install github.com/aws/amazon-ec2-metadata-mock/cmd/ec2-metadata-mock
const present = spawnSync("ec2-metadata-mock", ["--version"]).error === undefined

describe.runIf(present)("the metadata that AWS's mock gives to session tokens alone", () => {
  it("are its Region and its tags", async () => {
    const port = await freePort()
    const child = spawn("ec2-metadata-mock", ["--imdsv2", "--hostname", "127.0.0.1", "--port", String(port)])
    process.env[variable] = `http://127.0.0.1:${port}`
    const metadata = InstanceMetadata.make()
    assert.strictEqual(await until(() => metadata.region().catch(() => undefined)), "us-east-1")
    assert.deepStrictEqual(await metadata.tags(), { Name: "test-instance", Test: "test-tag" })
    child.kill()
    await once(child, "exit")
  })
})
