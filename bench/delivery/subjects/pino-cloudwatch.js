import pino from "pino"

export const start = async ({ group, stream }) => {
  const transport = pino.transport({
    target: "@serdnam/pino-cloudwatch-transport",
    options: { logGroupName: group, logStreamName: stream, awsRegion: process.env.AWS_REGION }
  })
  let errors = 0
  transport.on("error", () => {
    errors++
  })
  // Without `base`, so that its events are no longer than they must be.
  const logger = pino({ base: null }, transport)
  return {
    log: (line) => {
      logger.info(line)
    },
    close: () =>
      new Promise((resolve) => {
        transport.once("close", resolve)
        transport.end()
      }),
    said: () => errors === 0 ? "nothing" : `${errors} errors, no number`
  }
}
