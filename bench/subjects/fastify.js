/** Fastify with schemas for parameters and answer; its own two lines per request replaced by one access-log line. */
import Fastify from "fastify"
import { fastifyHook, logger, metrics, metricsType } from "./telemetry.js"

const app = Fastify({
  loggerInstance: logger,
  logController: new Fastify.LogController({ disableRequestLogging: true })
})

app.addHook("onResponse", fastifyHook)

app.get("/metrics", async (_request, reply) => reply.type(metricsType).send(await metrics()))

app.get("/greet/:name", {
  schema: {
    params: { type: "object", properties: { name: { type: "string" } }, required: ["name"] },
    response: { 200: { type: "object", properties: { message: { type: "string" } }, required: ["message"] } }
  }
}, (request, reply) => {
  reply.send({ message: `Hello, ${request.params.name}!` })
})

const echo = {
  type: "object",
  properties: {
    text: { type: "string" },
    times: { type: "integer", minimum: 1, maximum: 100 },
    tags: { type: "array", items: { type: "string" } }
  },
  required: ["text"]
}

app.post("/echo", { schema: { body: echo, response: { 200: echo } } }, (request, reply) => {
  reply.send(request.body)
})

await app.listen({ host: "0.0.0.0", port: Number(process.env.PORT) })
