import { CloudWatchClient, PutMetricDataCommand } from "@aws-sdk/client-cloudwatch"
import type { PostDatum } from "../services/MetricPost.ts"
import { type AwsOptions, clientConfig, skewOf } from "./AwsOptions.ts"

/**
 * The request that {@link make}'s namespace takes; it is one attempt.
 *
 * @category models
 * @since 1.1.0
 */
export type CloudWatchMetrics = ReturnType<typeof make>

/**
 * Connects to CloudWatch Metrics. The AWS SDK comes with this module: import it when it is first needed.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = ({ namespace, ...aws }: AwsOptions & { readonly namespace: string }) => {
  const client = new CloudWatchClient(clientConfig(aws))
  return {
    put: (datums: ReadonlyArray<PostDatum>, abortSignal: AbortSignal) => {
      const skew = skewOf(client.config.systemClockOffset)
      return client.send(
        new PutMetricDataCommand({
          Namespace: namespace,
          MetricData: datums.map((datum) => ({
            ...datum,
            Dimensions: [...datum.Dimensions],
            Values: [...datum.Values],
            Counts: [...datum.Counts],
            Timestamp: new Date(datum.Timestamp.getTime() + skew)
          }))
        }),
        { abortSignal }
      )
    },
    systemClockOffset: () => client.config.systemClockOffset,
    close: () => client.destroy()
  }
}
