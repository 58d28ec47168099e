import type * as Logs from "@aws-sdk/client-cloudwatch-logs"
import { createRequire } from "node:module"
import { makeBatches, makeFlight } from "../batches.ts"
import type { Shipper } from "../shipping.ts"

// The SDK that keelson has, not what the others brought.
const require = createRequire(new URL("../../../package.json", import.meta.url))
const { CloudWatchLogsClient, PutLogEventsCommand } = require(
  "@aws-sdk/client-cloudwatch-logs"
) as typeof Logs

export const start: Shipper["start"] = async ({ group, stream }) => {
  const client = new CloudWatchLogsClient({ maxAttempts: 1 })
  const flight = makeFlight()
  let failed = 0

  const put = async (lines: ReadonlyArray<string>) => {
    const timestamp = Date.now()
    try {
      await client.send(
        new PutLogEventsCommand({
          logGroupName: group,
          logStreamName: stream,
          logEvents: lines.map((message) => ({ timestamp, message }))
        })
      )
    } catch {
      failed += lines.length
    }
  }

  const batches = makeBatches((lines) => flight.run(() => put(lines)))
  return {
    log: batches.add,
    close: () => {
      batches.flush()
      return flight.idle()
    },
    said: () => String(failed)
  }
}
