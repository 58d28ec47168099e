import { CloudWatchLogsClient, PutLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { text } from "node:stream/consumers"
import { setImmediate as nextTurn } from "node:timers/promises"
import { make } from "../../src/layers/CloudWatchLogs.ts"

const region = "eu-west-1"
const stream = { logGroupName: "orders/é", logStreamName: "i-1" }
const signal = new AbortController().signal

const bodies: Array<string> = []
const headers: Array<Record<string, unknown>> = []
const server = createServer(async (request, response) => {
  bodies.push(await text(request))
  headers.push(request.headers)
  response.end("{}")
})
let endpoint = ""

beforeAll(async () => {
  process.env["AWS_ACCESS_KEY_ID"] = "test"
  process.env["AWS_SECRET_ACCESS_KEY"] = "test"
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const messages = [
  `{"message":"a \\"quoted\\" \\\\ one"}`,
  "",
  "é😀\u2028\u0000\u001f",
  "\ud800",
  "\udc00x",
  "</script>"
]

describe("CloudWatchLogs.put", () => {
  for (const count of [1, 2, 999, 1000, 1001, 2500]) {
    it(`sends ${count} events as the SDK would`, async () => {
      const logEvents = Array.from({ length: count }, (_, index) => ({
        timestamp: 1_700_000_000_000 + index,
        message: `${messages[index % messages.length]}${index}`
      }))
      const [ours, theirs] = [
        make({ region, endpoint, group: stream.logGroupName, stream: stream.logStreamName }),
        new CloudWatchLogsClient({ region, endpoint })
      ]
      bodies.length = 0
      headers.length = 0
      await ours.put(logEvents, (event) => event, signal)
      await theirs.send(new PutLogEventsCommand({ ...stream, logEvents }))
      assert.strictEqual(bodies[0], bodies[1])
      for (const name of ["content-type", "content-length", "x-amz-target", "x-amz-content-sha256"]) {
        assert.strictEqual(headers[0]?.[name], headers[1]?.[name])
      }
      ours.close()
      theirs.destroy()
    })
  }

  it("lets others have their turn between parts of a large batch", async () => {
    const logs = make({ region, endpoint, group: stream.logGroupName, stream: stream.logStreamName })
    let read = 0
    const logEvents = Array.from({ length: 10_000 }, (_, timestamp) => ({
      timestamp,
      get message() {
        read++
        return "x"
      }
    }))
    const sent = logs.put(logEvents, (event) => event, signal)
    await nextTurn()
    assert.isBelow(read, logEvents.length)
    await sent
    assert.strictEqual(read, logEvents.length)
    logs.close()
  })
})
