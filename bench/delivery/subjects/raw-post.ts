import { Agent, request } from "node:http"
import { allBatches, makeFlight } from "../batches.ts"
import type { Shipper } from "../shipping.ts"

export const start: Shipper["start"] = async (options) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 4 })
  const flight = makeFlight()
  const timestamp = Date.now()
  let failed = 0

  const bodies = new Map(
    Array.from(allBatches(options), ([last, lines]) => [
      last,
      Buffer.from(JSON.stringify({
        logGroupName: options.group,
        logStreamName: options.stream,
        logEvents: lines.map((message) => ({ timestamp, message }))
      }))
    ])
  )

  const post = (body: Buffer) =>
    new Promise<void>((resolve) => {
      request(process.env["AWS_ENDPOINT_URL"]!, {
        agent,
        method: "POST",
        headers: {
          "content-type": "application/x-amz-json-1.1",
          "content-length": body.length,
          "x-amz-target": "Logs_20140328.PutLogEvents"
        }
      }, (response) => {
        if (response.statusCode !== 200) failed++
        response.resume().on("end", resolve)
      }).on("error", () => {
        failed++
        resolve()
      }).end(body)
    })

  return {
    log: (_line, n) => {
      const body = bodies.get(n)
      if (body !== undefined) flight.run(() => post(body))
    },
    close: flight.idle,
    said: () => `${failed} failed requests`
  }
}
