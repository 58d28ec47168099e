import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  PutLogEventsCommand,
  PutRetentionPolicyCommand
} from "@aws-sdk/client-cloudwatch-logs"
import { createHash } from "node:crypto"
import { setImmediate as nextTurn } from "node:timers/promises"
import { type AwsOptions, clientConfig, skewOf } from "./AwsOptions.ts"

/**
 * A log stream to write to.
 *
 * @category models
 * @since 1.1.0
 */
export interface Target extends AwsOptions {
  readonly group: string
  readonly stream: string
  readonly retentionDays?: number | undefined
}

/**
 * The requests that {@link make}'s log stream takes. Each is one attempt. `put` makes the events of some entries as it
 * writes them.
 *
 * `skew` is how far the service's clock is ahead of this process's, in milliseconds, as the SDK learned from answers.
 *
 * @category models
 * @since 1.1.0
 */
export type CloudWatchLogs = ReturnType<typeof make>

/**
 * Connects to CloudWatch Logs. The AWS SDK comes with this module: import it when it is first needed.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = ({ group: logGroupName, retentionDays, stream: logStreamName, ...aws }: Target) => {
  const client = new CloudWatchLogsClient(clientConfig(aws))
  return {
    put: async <Entry>(
      entries: ReadonlyArray<Entry>,
      finish: (entry: Entry) => { readonly timestamp: number; readonly message: string },
      abortSignal: AbortSignal
    ) => {
      const command = new PutLogEventsCommand({ logGroupName, logStreamName, logEvents: [] })
      const head = JSON.stringify({ logGroupName, logStreamName }).slice(0, -1)
      const { body, hash } = await bodyOf(`${head},"logEvents":[`, entries, finish)
      command.middlewareStack.add(
        (next) => ({ request, ...args }) => {
          const { headers } = request as HttpRequest
          return next({
            ...args,
            request: Object.assign(request as HttpRequest, {
              body,
              headers: { ...headers, "x-amz-content-sha256": hash }
            })
          })
        },
        { step: "build", priority: "high" }
      )
      return client.send(command, { abortSignal })
    },
    createStream: (abortSignal: AbortSignal) =>
      client.send(new CreateLogStreamCommand({ logGroupName, logStreamName }), { abortSignal }),
    createGroup: (abortSignal: AbortSignal) =>
      client.send(new CreateLogGroupCommand({ logGroupName }), { abortSignal }),
    setRetention: async (abortSignal: AbortSignal) => {
      if (retentionDays === undefined) return
      await client.send(new PutRetentionPolicyCommand({ logGroupName, retentionInDays: retentionDays }), {
        abortSignal
      })
    },
    systemClockOffset: () => client.config.systemClockOffset,
    skew: () => skewOf(client.config.systemClockOffset),
    close: () => client.destroy()
  }
}

interface HttpRequest {
  readonly headers: Readonly<Record<string, string>>
}

const eventsPerTurn = 1000

// The SDK looks each member of each event up in its schema, which takes longer than all else of sending them. A whole
// batch at once, and all of its bytes encoded and hashed at once, would still keep the event loop for milliseconds.
const bodyOf = async <Entry>(
  head: string,
  entries: ReadonlyArray<Entry>,
  finish: (entry: Entry) => unknown
): Promise<{ readonly body: Uint8Array; readonly hash: string }> => {
  const hash = createHash("sha256")
  const pieces: Array<Uint8Array> = []
  const add = (text: string) => {
    const bytes = Buffer.from(text)
    hash.update(bytes)
    pieces.push(bytes)
  }
  add(head)
  for (let start = 0; start < entries.length; start += eventsPerTurn) {
    const events = JSON.stringify(entries.slice(start, start + eventsPerTurn).map(finish)).slice(1, -1)
    add(start === 0 ? events : `,${events}`)
    if (entries.length > eventsPerTurn) await nextTurn()
  }
  add("]}")
  return { body: Buffer.concat(pieces), hash: hash.digest("hex") }
}
