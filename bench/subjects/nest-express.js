/** Nest on Express, its default platform; the start-up lines of its own logger are off, warnings stay. */
import { NestFactory } from "@nestjs/core"
import { AppModule } from "./nest-app.js"
import { expressMiddleware, metrics, metricsType } from "./telemetry.js"

const app = await NestFactory.create(AppModule, { logger: ["error", "warn"] })

app.disable("x-powered-by")
app.use(expressMiddleware)
app.getHttpAdapter().get("/metrics", async (_request, response) => response.type(metricsType).send(await metrics()))

await app.listen(Number(process.env.PORT), "0.0.0.0")
