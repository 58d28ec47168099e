/** Nest on Fastify; the start-up lines of its own logger are off, warnings stay. */
import { NestFactory } from "@nestjs/core"
import { FastifyAdapter } from "@nestjs/platform-fastify"
import Fastify from "fastify"
import { AppModule } from "./nest-app.js"
import { fastifyHook, logger, metrics, metricsType } from "./telemetry.js"

const adapter = new FastifyAdapter({
  loggerInstance: logger,
  logController: new Fastify.LogController({ disableRequestLogging: true })
})
const app = await NestFactory.create(AppModule, adapter, { logger: ["error", "warn"] })

adapter.getInstance().addHook("onResponse", fastifyHook)
adapter.get("/metrics", async (_request, reply) => reply.type(metricsType).send(await metrics()))

await app.listen({ host: "0.0.0.0", port: Number(process.env.PORT) })
