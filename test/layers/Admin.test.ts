import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Metric, Result } from "effect"
import { request } from "node:http"
import * as Admin from "../../src/layers/Admin.ts"
import * as HealthLayer from "../../src/layers/Health.ts"
import * as Metrics from "../../src/layers/Metrics.ts"
import { MicroserviceMemory } from "../../src/layers/Microservice.ts"
import { ServiceName, Version } from "../../src/services/BuildInfo.ts"
import { Health } from "../../src/services/Health.ts"
import type { HealthDocument } from "../../src/services/HealthDocument.ts"
import { LogLevels, mostNames } from "../../src/services/LogLevels.ts"
import type { Values } from "../../src/services/SettingDefinitions.ts"
import { resolve, Settings } from "../../src/services/Settings.ts"

const settings: Values = { ...Result.getOrThrow(resolve({ flags: {}, env: {} })), adminPort: 0 }

const layer = Admin.layer.pipe(
  Layer.provideMerge(HealthLayer.layer),
  Layer.provideMerge(MicroserviceMemory),
  Layer.provideMerge(Layer.mergeAll(
    Layer.succeed(Settings, settings),
    Layer.succeed(Version, "1.1.abcdef"),
    Layer.succeed(ServiceName, "<script>alert(1)</script>")
  ))
)

const asked = (path: string, headers: Record<string, string> = {}, method = "GET", sent = "") =>
  Effect.flatMap(
    Admin.Admin,
    ({ url }) =>
      Effect.promise(() =>
        new Promise<{ status: number | undefined; headers: Record<string, unknown>; body: string }>(
          (resolve, reject) => {
            request(`${url}${path}`, { method, headers }, (response) => {
              let body = ""
              response.on("data", (data) => body += String(data))
              response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, body }))
            }).on("error", reject).end(sent)
          }
        )
      )
  )

const browser = { accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" }

const change = { "x-keelson": "1" }

describe("the log level", () => {
  it.live("is changed by POST for a while, for all or for a name, and shown on the page and in the document", () =>
    Effect.gen(function*() {
      const levels = yield* LogLevels
      const first = yield* asked("/loglevel?level=debug&for=5m&name=orders", change, "POST")
      assert.strictEqual(first.status, 200)
      yield* asked("/loglevel", { ...change, "content-type": "application/json" }, "POST", `{"level":"error"}`)
      const form = { ...change, "content-type": "application/x-www-form-urlencoded" }
      yield* asked("/loglevel", form, "POST", "level=TRACE&for=1h&name=stock")
      const state = JSON.parse((yield* asked("/loglevel")).body) as HealthDocument["logLevel"]
      assert.deepStrictEqual([state.level, state.default], ["error", "info"])
      assert.deepStrictEqual(
        state.changes.map((
          { by, level, name, since, until }
        ) => [level, name, Date.parse(until) - Date.parse(since), by]),
        [["debug", "orders", 300_000, "127.0.0.1"], ["error", undefined, 600_000, "127.0.0.1"], [
          "trace",
          "stock",
          3_600_000,
          "127.0.0.1"
        ]]
      )
      const document = JSON.parse((yield* asked("/health")).body) as HealthDocument
      assert.deepStrictEqual(document.logLevel, state)
      assert.include((yield* asked("/", browser)).body, "debug for orders until")
      assert.isTrue(levels.admits("Debug", ["orders"]))
      yield* asked("/loglevel?name=orders", change, "DELETE")
      assert.isFalse(levels.admits("Debug", ["orders"]))
      assert.strictEqual(levels.state().changes.length, 2)
      const last = yield* asked("/loglevel?level=default", change, "POST")
      assert.deepStrictEqual(JSON.parse(last.body), { level: "info", default: "info", changes: [] })
    }).pipe(Effect.provide(layer)))

  it.live("is not changed without the header, nor by GET, nor by what makes no sense", () =>
    Effect.gen(function*() {
      const levels = yield* LogLevels
      for (const method of ["POST", "DELETE"]) {
        assert.strictEqual((yield* asked("/loglevel?level=debug", {}, method)).status, 403)
        assert.strictEqual(
          (yield* asked("/loglevel?level=debug", { ...change, host: "evil.example" }, method)).status,
          421
        )
      }
      assert.strictEqual((yield* asked("/loglevel?level=debug", change)).status, 200)
      assert.strictEqual((yield* asked("/loglevel?level=debug", change, "PUT")).status, 405)
      const bad = yield* asked("/loglevel?level=loud&for=25h&name=&color=red", change, "POST")
      assert.strictEqual(bad.status, 400)
      assert.strictEqual((JSON.parse(bad.body) as { problems: ReadonlyArray<string> }).problems.length, 4)
      const json = { ...change, "content-type": "application/json" }
      for (const body of ["{", `"debug"`, "[]", `{"level":5}`, "null", `{"level":"info","for":10}`]) {
        assert.strictEqual((yield* asked("/loglevel", json, "POST", body)).status, 400, body)
      }
      assert.strictEqual(
        (yield* asked("/loglevel", change, "POST", `level=debug&name=${"x".repeat(5000)}`)).status,
        400
      )
      for (let name = 0; name < mostNames; name++) {
        assert.strictEqual((yield* asked(`/loglevel?level=debug&name=${name}`, change, "POST")).status, 200)
      }
      assert.strictEqual((yield* asked("/loglevel?level=debug&name=more", change, "POST")).status, 409)
      assert.isFalse(levels.admits("Debug", []))
    }).pipe(Effect.provide(layer)))
})

describe("the admin listener", () => {
  it.live("gives the full health document to machines", () =>
    Effect.gen(function*() {
      const health = yield* Health
      const metrics = yield* Metrics.Metrics
      yield* health.register({ name: "database", check: Effect.fail("refused") })
      for (let line = 0; line < 12; line++) yield* Effect.logInfo(`line ${line}`, { line })
      yield* Metric.update(Metric.counter("orders_total"), 3)
      yield* metrics.post
      yield* Effect.yieldNow
      const { body, headers, status } = yield* asked("/health")
      const document = JSON.parse(body) as HealthDocument
      assert.deepStrictEqual([status, document.status], [503, "fail"])
      assert.strictEqual(headers["content-type"], "application/health+json")
      assert.strictEqual(headers["cache-control"], "no-store")
      assert.strictEqual(document.releaseId, "1.1.abcdef")
      assert.isAtLeast(document.uptimeSeconds, 0)
      assert.strictEqual(document.environment.kind, "local")
      assert.strictEqual(document.checks["database"]?.[0]?.output, "refused")
      const messages = document.logs.map(({ message }) => message).filter((message) =>
        String(message).startsWith("line")
      )
      assert.strictEqual(document.logs.length, 10)
      assert.include(messages, "line 11")
      assert.notInclude(messages, "line 1")
      assert.deepInclude(document.metrics.find(({ name }) => name === "orders_total"), { values: [3], unit: "Count" })
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("gives people a page, with everything escaped", () =>
    Effect.gen(function*() {
      const health = yield* Health
      const metrics = yield* Metrics.Metrics
      const admin = yield* Admin.Admin
      admin.announce("http://service.example")
      const evil = `"><img src=x onerror="alert(1)">`
      yield* health.register({ name: evil, check: Effect.fail(evil) })
      yield* Effect.logWarning(evil, { [evil]: evil })
      yield* Metric.update(Metric.counter(evil, { attributes: { evil } }), 1)
      yield* metrics.post
      yield* Effect.yieldNow
      const { body, headers, status } = yield* asked("/", browser)
      assert.strictEqual(status, 200)
      assert.include(String(headers["content-type"]), "text/html")
      assert.match(String(headers["content-security-policy"]), /^default-src 'none'; style-src 'sha256-/)
      assert.strictEqual(body.split("<script").length, 2)
      assert.notInclude(body, "<img")
      for (
        const part of [
          "1.1.abcdef",
          "Uptime",
          "Environment and settings",
          "Last 10 log entries",
          "Last 10 metrics",
          "Checks",
          "&quot;&gt;&lt;img",
          "http://service.example/openapi.json"
        ]
      ) {
        assert.include(body, part)
      }
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("answers at once while twenty checks hang", () =>
    Effect.gen(function*() {
      const health = yield* Health
      for (let index = 0; index < 20; index++) {
        yield* health.register({ name: `hanging ${index}`, check: Effect.uninterruptible(Effect.never) })
      }
      const document = JSON.parse((yield* asked("/health")).body) as HealthDocument
      assert.strictEqual(document.status, "warn")
      assert.strictEqual(Object.keys(document.checks).length, 20)
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("answers HEAD without a body", () =>
    Effect.gen(function*() {
      const { body, headers, status } = yield* asked("/health", {}, "HEAD")
      assert.deepStrictEqual([status, body], [200, ""])
      assert.isAbove(Number(headers["content-length"]), 0)
    }).pipe(Effect.provide(layer)))

  it.live("says of what is not there where to look", () =>
    Effect.gen(function*() {
      const { body, status } = yield* asked("/nowhere")
      assert.deepStrictEqual([status, JSON.parse(body)], [404, {
        _tag: "RouteNotFound",
        message: "Nothing is served at GET /nowhere; / links to what there is"
      }])
    }).pipe(Effect.provide(layer)))

  it.live("answers only to its own address, so that no web page reaches it by another name", () =>
    Effect.gen(function*() {
      for (const path of ["/", "/health", "/metrics", "/version"]) {
        assert.strictEqual((yield* asked(path, { host: "evil.example" })).status, 421)
        assert.strictEqual((yield* asked(path, { host: "localhost:9990" })).status, 200)
      }
    }).pipe(Effect.provide(layer)))

  it.live("renders the metrics as Prometheus text", () =>
    Effect.gen(function*() {
      yield* Metric.update(Metric.counter("orders_total", { incremental: true }), 3)
      const { body, headers } = yield* asked("/metrics")
      assert.strictEqual(headers["content-type"], "text/plain; version=0.0.4; charset=utf-8")
      assert.include(body, "orders_total 3")
    }).pipe(Effect.provide(layer)))
})
