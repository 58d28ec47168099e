import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Tracer } from "effect"
import { Schema } from "effect"
import { Result } from "effect"
import { FetchHttpClient, HttpClient } from "effect/http"
import { HttpApi, HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { get } from "node:http"
import * as Microservice from "../../src/layers/Microservice.ts"
import * as Server from "../../src/layers/Server.ts"
import { Version } from "../../src/services/BuildInfo.ts"
import * as Health from "../../src/services/Health.ts"
import * as Lifecycle from "../../src/services/Lifecycle.ts"
import * as LogSink from "../../src/services/LogSink.ts"
import type { Values } from "../../src/services/SettingDefinitions.ts"
import { resolve, Settings } from "../../src/services/Settings.ts"

class Api extends HttpApi.make("test").add(
  HttpApiGroup.make("things").add(
    HttpApiEndpoint.get("trace", "/trace", { success: Schema.String }),
    HttpApiEndpoint.get("call", "/call", { query: { url: Schema.String }, success: Schema.String }),
    HttpApiEndpoint.post("make", "/things", { payload: Schema.Struct({ n: Schema.Int }), success: Schema.Int }),
    HttpApiEndpoint.get("raw", "/raw", { success: Schema.String }),
    HttpApiEndpoint.get("thrown", "/thrown", { success: Schema.String }),
    HttpApiEndpoint.get("log", "/log", { success: Schema.Void })
  )
) {}

const handlers = Microservice.group(Api, "things", (handlers) =>
  handlers.handleAll({
    trace: () => Effect.map(Effect.currentParentSpan, ({ traceId }) => traceId).pipe(Effect.orDie),
    call: ({ query: { url } }) =>
      HttpClient.get(url).pipe(
        Effect.flatMap((response) => response.text),
        Effect.provide(FetchHttpClient.layer),
        Effect.orDie
      ),
    make: ({ payload: { n } }) => Effect.succeed(n),
    raw: ({ request }) => Effect.succeed(request.headers["x-raw"] ?? "none"),
    thrown: (): Effect.Effect<string> => {
      throw new Error("thrown by the handler")
    },
    log: () => Effect.logInfo("inside", { answer: 42 })
  }))

const settings: Values = { ...Result.getOrThrow(resolve({ flags: {}, env: {} })), host: "127.0.0.1", port: 0 }

const layer = Server.layer(Api).pipe(
  Layer.provide(handlers),
  Layer.provideMerge(Microservice.MicroserviceMemory),
  Layer.provideMerge(Layer.mergeAll(Layer.succeed(Settings, settings), Layer.succeed(Version, "1.1.abcdef")))
)

const fetched = (path: string, init?: RequestInit) =>
  Effect.flatMap(Server.Server, ({ url }) =>
    Effect.promise(async () => {
      const response = await fetch(`${url}${path}`, init)
      return { status: response.status, headers: response.headers, body: await response.text() }
    }))

const trace = "0af7651916cd43dd8448eb211c80319c"
const traceparent = `00-${trace}-b7ad6b7169203331-01`

describe("the service listener", () => {
  it.live("answers its probes, never to be stored, to GET and HEAD", () =>
    Effect.gen(function*() {
      const lifecycle = yield* Lifecycle.Lifecycle
      const expected = [
        ["/livez", 200, "ok\n"],
        ["/readyz", 503, "starting\n"],
        ["/version", 200, `{"Version":"1.1.abcdef"}`],
        ["/health", 200, `{"status":"pass","releaseId":"1.1.abcdef"}`]
      ] as const
      for (const [path, status, body] of expected) {
        const answer = yield* fetched(path)
        assert.deepStrictEqual([answer.status, answer.body], [status, body])
        assert.strictEqual(answer.headers.get("cache-control"), "no-store")
        const head = yield* fetched(path, { method: "HEAD" })
        assert.deepStrictEqual([head.status, head.body], [status, ""])
        assert.strictEqual(head.headers.get("content-length"), String(body.length))
      }
      yield* lifecycle.advance("ready")
      assert.strictEqual((yield* fetched("/readyz")).status, 200)
      yield* lifecycle.advance("draining")
      const draining = yield* fetched("/readyz")
      assert.deepStrictEqual([draining.status, draining.body], [503, "draining\n"])
      assert.strictEqual(draining.headers.get("connection"), "close")
    }).pipe(Effect.provide(layer)))

  it.live("answers 503 on /health while a critical check is down, and stays live and ready", () =>
    Effect.gen(function*() {
      yield* Effect.flatMap(Lifecycle.Lifecycle, ({ advance }) => advance("ready"))
      const health = yield* fetched("/health")
      assert.deepStrictEqual([health.status, health.body], [503, `{"status":"fail","releaseId":"1.1.abcdef"}`])
      assert.strictEqual((yield* fetched("/livez")).status, 200)
      assert.strictEqual((yield* fetched("/readyz")).status, 200)
    }).pipe(Effect.provide(
      Server.layer(Api).pipe(
        Layer.provide(handlers),
        Layer.provide(Layer.succeed(Health.Health, {
          register: () => Effect.void,
          report: () => ({ status: "fail", checks: {} }),
          status: () => "fail"
        })),
        Layer.provideMerge(Microservice.MicroserviceMemory),
        Layer.provideMerge(Layer.mergeAll(Layer.succeed(Settings, settings), Layer.succeed(Version, "1.1.abcdef")))
      )
    )))

  it.live("continues the trace of the request and hands it on", () =>
    Effect.gen(function*() {
      const { url } = yield* Server.Server
      assert.strictEqual((yield* fetched("/trace", { headers: { traceparent } })).body, JSON.stringify(trace))
      const through = yield* fetched(`/call?url=${encodeURIComponent(`${url}/trace`)}`, { headers: { traceparent } })
      assert.strictEqual(JSON.parse(JSON.parse(through.body) as string), trace)
      const fresh = JSON.parse((yield* fetched("/trace")).body) as string
      assert.match(fresh, /^[0-9a-f]{32}$/)
      assert.notStrictEqual(fresh, trace)
      const { events } = yield* LogSink.LogSinkMemory
      const lines = events.map(({ line }) => JSON.parse(line) as { trace_id: string })
      assert.deepStrictEqual(lines.slice(0, 3).map(({ trace_id }) => trace_id), [trace, trace, trace])
    }).pipe(Effect.provide(layer)))

  it.live("logs a trace for each answer, also of what was answered without a fiber: the request's, or a new one", () =>
    Effect.gen(function*() {
      const post = { method: "POST", body: `{"n":1}`, headers: { "content-type": "application/json" } }
      assert.strictEqual(
        (yield* fetched("/things", { ...post, headers: { ...post.headers, traceparent } })).status,
        200
      )
      yield* fetched("/things", post)
      yield* fetched("/things", { ...post, headers: { ...post.headers, traceparent: "00-0-0-00" } })
      const { events } = yield* LogSink.LogSinkMemory
      const traces = events.map(({ line }) => (JSON.parse(line) as { trace_id: string }).trace_id)
      assert.deepStrictEqual(events.map(({ line }) => (JSON.parse(line) as { trace_id: string }).trace_id), traces)
      assert.strictEqual(traces.length, 3)
      assert.strictEqual(traces[0], trace)
      for (const fresh of traces.slice(1)) assert.match(fresh, /^[0-9a-f]{32}$/)
      assert.strictEqual(new Set(traces).size, 3)
    }).pipe(Effect.provide(layer)))

  it.live("runs a tracer's spans instead of its own where there is one", () => {
    const spans: Array<Tracer.NativeSpan> = []
    const tracer = Tracer.make({
      span: (options) => {
        const span = new Tracer.NativeSpan(options)
        spans.push(span)
        return span
      }
    })
    return Effect.gen(function*() {
      const body = (yield* fetched("/trace", { headers: { traceparent } })).body
      assert.strictEqual(body, JSON.stringify(trace))
      assert.deepStrictEqual(spans.map(({ kind, traceId }) => [kind, traceId]), [["server", trace]])
    }).pipe(Effect.provide(layer), Effect.provide(Layer.succeed(Tracer.Tracer, tracer)))
  })

  it.live("logs each answer once, with its operation, status and trace, and a handler's lines with the same trace", () =>
    Effect.gen(function*() {
      const { events } = yield* LogSink.LogSinkMemory
      yield* fetched("/log?secret=1", { headers: { traceparent } })
      yield* fetched("/livez")
      yield* fetched("/thrown")
      yield* fetched("/nowhere")
      const lines = events.map(({ line }) => JSON.parse(line) as Record<string, unknown>)
      assert.deepStrictEqual(
        lines.map(({ level, message, operation }) => [level, message, operation]),
        [
          ["INFO", "inside", undefined],
          ["INFO", "GET /log 200", "things.log"],
          ["ERROR", "GET /thrown failed", undefined],
          ["ERROR", "GET /thrown 500", "things.thrown"],
          ["INFO", "GET * 404", "unmatched"]
        ]
      )
      assert.deepStrictEqual(lines.slice(0, 2).map(({ trace_id }) => trace_id), [trace, trace])
      assert.strictEqual(lines[1]?.["url.path"], "/log")
      assert.include(String(lines[2]?.["cause"]), "thrown by the handler")
      assert.strictEqual(lines[2]?.["trace_id"], lines[3]?.["trace_id"])
    }).pipe(Effect.provide(layer)))

  it.live("answers what it cannot take with a tag and a message", () =>
    Effect.gen(function*() {
      const json = { "content-type": "application/json" }
      const cases = [
        ["/nowhere", {}, 404, "RouteNotFound"],
        ["/trace", { method: "POST" }, 405, "MethodNotAllowed"],
        ["/things", { method: "POST", body: "{", headers: json }, 400, "HttpApiSchemaError"],
        ["/things", { method: "POST", body: `{"n":"x"}`, headers: json }, 400, "HttpApiSchemaError"],
        ["/thrown", {}, 500, "InternalServerError"]
      ] as const
      for (const [path, init, status, tag] of cases) {
        const answer = yield* fetched(path, init)
        const body = JSON.parse(answer.body) as { _tag: string; message: string }
        assert.deepStrictEqual([answer.status, body._tag], [status, tag])
        assert.isNotEmpty(body.message)
        assert.notInclude(answer.body, "thrown by the handler")
      }
      assert.strictEqual((yield* fetched("/trace", { method: "POST" })).headers.get("allow"), "GET")
      assert.include((yield* fetched("/nowhere")).body, "; /openapi.json lists the operations")
    }).pipe(Effect.provide(layer)))

  it.live("gives a handler that asks for it the request", () =>
    Effect.gen(function*() {
      for (let time = 0; time < 2; time++) {
        assert.strictEqual((yield* fetched("/raw", { headers: { "x-raw": "seen" } })).body, `"seen"`)
      }
    }).pipe(Effect.provide(layer)))

  it.live("keeps nothing of what a client sent with the line about it, but what the line says", () =>
    Effect.gen(function*() {
      yield* fetched("/things", {
        method: "POST",
        body: `{"n":1}`,
        headers: { "content-type": "application/json", authorization: "Bearer secret" }
      })
      const { events } = yield* LogSink.LogSinkMemory
      assert.strictEqual(events.map(({ line }) => line).length, 1)
      assert.notInclude(JSON.stringify(events), "secret")
    }).pipe(Effect.provide(layer)))

  it.live("has no path of the admin listener", () =>
    Effect.gen(function*() {
      for (
        const path of ["/", "/metrics", "/logs", "/loglevel", "/settings", "/ledger", "/debug/pprof/", "/debug/fibers"]
      ) {
        assert.strictEqual((yield* fetched(path)).status, 404, path)
      }
    }).pipe(Effect.provide(layer)))

  it.live("publishes its operations as OpenAPI and as a page without scripts", () =>
    Effect.gen(function*() {
      const spec = JSON.parse((yield* fetched("/openapi.json")).body) as { paths: Record<string, unknown> }
      assert.deepStrictEqual(Object.keys(spec.paths), ["/trace", "/call", "/things", "/raw", "/thrown", "/log"])
      const page = yield* fetched("/docs")
      assert.include(page.headers.get("content-type"), "text/html")
      assert.include(page.body, "things make")
      assert.notInclude(page.body, "<script")
    }).pipe(Effect.provide(layer)))

  it.live("refuses an operation at a path of its own", () =>
    Effect.gen(function*() {
      class Taken extends HttpApi.make("taken").add(
        HttpApiGroup.make("g").add(HttpApiEndpoint.get("live", "/livez", { success: Schema.String }))
      ) {}
      const error = yield* Effect.flip(Layer.build(
        Server.layer(Taken).pipe(
          Layer.provide(
            Microservice.group(Taken, "g", (handlers) => handlers.handle("live", () => Effect.succeed("x")))
          ),
          Layer.provide(Microservice.MicroserviceMemory)
        )
      ))
      assert.strictEqual(error._tag, "RouteConflict")
      assert.include(error.message, "g.live and the chassis both answer GET /livez")
    }).pipe(Effect.scoped))

  it.live("notes a client that left", () =>
    Effect.gen(function*() {
      const { url } = yield* Server.Server
      const { events } = yield* LogSink.LogSinkMemory
      const black = yield* Effect.acquireRelease(
        Effect.promise(() =>
          import("node:net").then(({ createServer }) => {
            const server = createServer(() => {})
            return new Promise<typeof server>((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)))
          })
        ),
        (server) => Effect.sync(() => server.close())
      )
      const { port } = black.address() as { port: number }
      const request = get(`${url}/call?url=${encodeURIComponent(`http://127.0.0.1:${port}/`)}`)
      request.on("error", () => {})
      yield* Effect.promise(() => new Promise<void>((resolve) => black.once("connection", () => resolve())))
      request.destroy()
      while (!events.some(({ line }) => line.includes("client_left"))) yield* Effect.sleep("5 millis")
      const line = JSON.parse(events.find(({ line }) => line.includes("client_left"))?.line ?? "{}") as Record<
        string,
        unknown
      >
      assert.strictEqual(line["http.response.status_code"], 499)
    }).pipe(Effect.scoped, Effect.provide(layer)))
})
