/** Other loggers, as their READMEs show them, each into a stream that counts bytes. */
import { Writable } from "node:stream"
import pino from "pino"
import winston from "winston"

export const makePino = (count) => pino({}, { write: (line) => count(line.length) })

export const makeWinston = (count) => {
  const stream = new Writable({
    decodeStrings: false,
    write: (line, _encoding, done) => {
      count(line.length)
      done()
    }
  })
  return winston.createLogger({
    format: winston.format.combine(winston.format.timestamp(), winston.format.json()),
    transports: [new winston.transports.Stream({ stream })]
  })
}
