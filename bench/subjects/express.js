/** Express as its guide to production has it, and nothing else switched off. */
import express from "express"
import { expressMiddleware, logger, metrics, metricsType } from "./telemetry.js"
import { echo } from "./zod-echo.js"

const app = express()

app.disable("x-powered-by")
app.use(expressMiddleware)

app.get("/metrics", async (_request, response) => response.type(metricsType).send(await metrics()))

app.get("/greet/:name", (request, response) => response.json({ message: `Hello, ${request.params.name}!` }))

app.post("/echo", express.json(), (request, response) => {
  const { data, error } = echo.safeParse(request.body)
  if (error) response.status(400).json(error.issues)
  else response.json(data)
})

app.listen(Number(process.env.PORT), "0.0.0.0", (error) => {
  if (error) throw error
  logger.info("listening")
})
