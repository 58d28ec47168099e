/** Hono on Node's server, with the validator its guide recommends. */
import { serve } from "@hono/node-server"
import { zValidator } from "@hono/zod-validator"
import { Hono } from "hono"
import { routePath } from "hono/route"
import { logger, metrics, metricsType, observe } from "./telemetry.js"
import { echo } from "./zod-echo.js"

const app = new Hono()

app.use(async (context, next) => {
  const started = performance.now()
  await next()
  observe(logger, {
    method: context.req.method,
    url: context.req.path,
    route: routePath(context, -1),
    status: context.res.status,
    milliseconds: performance.now() - started
  })
})

app.get("/metrics", async (context) => context.body(await metrics(), 200, { "content-type": metricsType }))

app.get("/greet/:name", (context) => context.json({ message: `Hello, ${context.req.param("name")}!` }))

app.post("/echo", zValidator("json", echo), (context) => context.json(context.req.valid("json")))

serve({ fetch: app.fetch, hostname: "0.0.0.0", port: Number(process.env.PORT) }, () => logger.info("listening"))
