import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs"
import { getCloudWatchLogsSink } from "@logtape/cloudwatch-logs"
import { configure, dispose, getLogger } from "@logtape/logtape"

export const start = async ({ group, stream }) => {
  let errors = 0
  await configure({
    sinks: {
      cloudwatch: getCloudWatchLogsSink({
        client: new CloudWatchLogsClient({}),
        logGroupName: group,
        logStreamName: stream,
        formatter: ({ properties }) => properties.line
      }),
      errors: () => {
        errors++
      }
    },
    loggers: [
      { category: "bench", sinks: ["cloudwatch"], lowestLevel: "info" },
      { category: ["logtape", "meta"], sinks: ["errors"], lowestLevel: "warning" }
    ]
  })
  const logger = getLogger("bench")
  return {
    log: (line) => {
      logger.info("line", { line })
    },
    close: dispose,
    said: () => errors === 0 ? "nothing" : `${errors} errors, no number`
  }
}
