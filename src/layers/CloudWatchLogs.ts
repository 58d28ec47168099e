import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  PutLogEventsCommand,
  PutRetentionPolicyCommand
} from "@aws-sdk/client-cloudwatch-logs"
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
 * The requests that {@link make}'s log stream takes. Each is one attempt.
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
    put: (logEvents: Array<{ readonly timestamp: number; readonly message: string }>, abortSignal: AbortSignal) =>
      client.send(new PutLogEventsCommand({ logGroupName, logStreamName, logEvents }), { abortSignal }),
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
