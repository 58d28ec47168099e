/**
 * What a service adds by hand to a framework to have what keelson has: one access-log line per answer, written by pino
 * to stdout, and one histogram update, by method, route and status. With `--buffered` pino writes 4 KiB at a time
 * instead of each line, and may lose the last ones in a crash.
 */
import { pino } from "pino"
import { collectDefaultMetrics, Histogram, register } from "prom-client"

export const logger = pino(
  pino.destination(process.argv.includes("--buffered") ? { dest: 1, minLength: 4096, sync: false } : { dest: 1 })
)

collectDefaultMetrics()

const duration = new Histogram({
  name: "http_server_request_duration_seconds",
  help: "How long requests took",
  labelNames: ["method", "route", "status"],
  buckets: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
})

/** One histogram update and one line. */
export const observe = (log, { method, milliseconds, route, status, url }) => {
  duration.observe({ method, route, status }, milliseconds / 1000)
  log.info({ method, url, route, status, duration_ms: milliseconds }, "request completed")
}

/** The whole registry, for `GET /metrics`. */
export const metrics = () => register.metrics()

export const metricsType = register.contentType

/** The `onResponse` hook of Fastify, alone or under Nest. */
export const fastifyHook = (request, reply, done) => {
  observe(request.log, {
    method: request.method,
    url: request.url,
    route: request.routeOptions.url,
    status: reply.statusCode,
    milliseconds: reply.elapsedTime
  })
  done()
}

/** The middleware of Express, alone or under Nest. */
export const expressMiddleware = (request, response, next) => {
  const started = performance.now()
  response.once("finish", () =>
    observe(logger, {
      method: request.method,
      url: request.originalUrl,
      route: request.route?.path,
      status: response.statusCode,
      milliseconds: performance.now() - started
    }))
  next()
}
