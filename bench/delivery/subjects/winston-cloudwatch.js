import winston from "winston"
import WinstonCloudWatch from "winston-cloudwatch"

// One batch leaves per `uploadRate` at most, in milliseconds: of 5 to 200, less than this gains nothing. Default: 2,000.
const uploadRate = 20

export const start = async ({ group, stream }) => {
  let errors = 0
  const transport = new WinstonCloudWatch({
    logGroupName: group,
    logStreamName: stream,
    awsRegion: process.env.AWS_REGION,
    messageFormatter: ({ message }) => message,
    uploadRate,
    errorHandler: () => {
      errors++
    }
  })
  const logger = winston.createLogger({ format: winston.format.json(), transports: [transport] })
  return {
    log: (line) => {
      logger.info(line)
    },
    close: () =>
      new Promise((resolve) =>
        transport.kthxbye((error) => {
          if (error) errors++
          resolve()
        })
      ),
    said: () => errors === 0 ? "nothing" : `${errors} errors, no number`
  }
}
