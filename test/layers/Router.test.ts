import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, ErrorReporter, Layer, Schema, SchemaGetter, Stream } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { request } from "node:http"
import { MicroserviceMemory } from "../../src/layers/Microservice.ts"
import * as OperationGroup from "../../src/layers/OperationGroup.ts"
import * as Server from "../../src/layers/Server.ts"
import { LogSinkMemory } from "../../src/services/LogSink.ts"
import { exchange } from "../utils/rawHttp.ts"
import { open } from "../utils/richService.ts"

const id = Schema.String
const Page = Schema.Struct({ page: Schema.optionalKey(Schema.FiniteFromString) }).pipe(
  Schema.decodeTo(Schema.Number, {
    decode: SchemaGetter.transform(({ page }) => page ?? 7),
    encode: SchemaGetter.transform((page) => ({ page }))
  })
)
const Wide = Schema.Struct({ text: Schema.String })
const Narrow = Schema.Struct({ text: Schema.String, more: Schema.optionalKey(Schema.String) })

class Suffix extends Context.Service<Suffix, string>()("test/Router/Suffix") {}

// A handler's types leave no way to say that its schemas need a service.
const Suffixed = Schema.String.pipe(Schema.decodeTo(Schema.String, {
  decode: SchemaGetter.transformEffect((text) => Effect.map(Suffix, (suffix) => text + suffix)),
  encode: SchemaGetter.transformEffect((text) => Effect.map(Suffix, (suffix) => suffix + text))
})) as unknown as typeof Schema.String

class Odd extends HttpApiGroup.make("odd").add(
  HttpApiEndpoint.post("cancel", "/things/:id:cancel", { params: { id }, success: id }),
  HttpApiEndpoint.post("update", "/things/:id", { params: { id }, success: id }),
  HttpApiEndpoint.get("release", "/packages/:name@:version", { params: { name: id, version: id }, success: id }),
  HttpApiEndpoint.get("number", "/numbers/:id(\\d+)/half", { params: { id }, success: id }),
  HttpApiEndpoint.get("context", "/context/:id", { params: { id }, success: Schema.Unknown }),
  HttpApiEndpoint.get("search", "/search", { success: Schema.Unknown }),
  HttpApiEndpoint.get("page", "/page", { query: Page, success: Schema.Number }),
  HttpApiEndpoint.get("order", "/order", {
    success: id,
    error: [
      Schema.Struct({ other: id }).pipe(HttpApiSchema.status(404)),
      Wide.pipe(HttpApiSchema.status(409)),
      Narrow.pipe(HttpApiSchema.status(404))
    ]
  }),
  HttpApiEndpoint.get("empty", "/empty", { success: Schema.Struct({ id }).pipe(HttpApiSchema.status(204)) }),
  HttpApiEndpoint.get("beyond", "/beyond", { success: Schema.Struct({ id }).pipe(HttpApiSchema.status(600)) }),
  HttpApiEndpoint.get("thrown", "/thrown", { success: id }),
  HttpApiEndpoint.get("interrupted", "/interrupted", { success: id }),
  HttpApiEndpoint.get("headed", "/headed", { headers: { "x-a": Schema.optionalKey(id) }, success: id }),
  HttpApiEndpoint.get("caught", "/caught", { success: Schema.Unknown }),
  HttpApiEndpoint.get("unfit", "/unfit", { success: Schema.Struct({ n: Schema.Int }) }),
  HttpApiEndpoint.get("suffixed", "/suffixed/:id", { params: { id: Suffixed }, success: Suffixed }),
  HttpApiEndpoint.post("later", "/later", { payload: Wide, success: id }),
  HttpApiEndpoint.post("twice", "/twice", { payload: Wide, success: Schema.Array(id) }),
  HttpApiEndpoint.post("raw", "/raw", { success: id }),
  HttpApiEndpoint.get("short", "/short", { success: Schema.Unknown }),
  HttpApiEndpoint.get("long", "/long", { success: Schema.Unknown }),
  HttpApiEndpoint.get("streamed", "/streamed", { success: Schema.Unknown })
) {}

class Api extends HttpApi.make("odd").add(Odd) {}

const bytes = new TextEncoder()

const served = (make: typeof HttpApiBuilder.group, config: typeof HttpRouter.RouterConfig.Service = {}) =>
  Effect.gen(function*() {
    const reported: Array<unknown> = []
    const reporter = ErrorReporter.layer([ErrorReporter.make(({ error }) => reported.push(String(error)))])
    let calls = 0
    let read: (text: string) => void = () => {}
    const readLater = new Promise<string>((resolve) => {
      read = resolve
    })
    const handlers = make(Api, "odd", (handlers) =>
      handlers.handleAll({
        cancel: ({ params }) => Effect.succeed(`cancel ${params.id}`),
        update: ({ params }) => Effect.succeed(`update ${params.id}`),
        release: ({ params }) => Effect.succeed(`${params.name} ${params.version}`),
        number: ({ params }) => Effect.succeed(params.id),
        context: () =>
          Effect.map(HttpRouter.RouteContext, ({ params, route }) => ({ params: { ...params }, path: route.path })),
        search: () => Effect.orDie(HttpServerRequest.schemaSearchParams(Schema.Struct({ a: id, b: Schema.Array(id) }))),
        page: ({ query }) => Effect.succeed(query + 1),
        order: () => Effect.fail({ text: "which" }),
        empty: () => Effect.succeed({ id: "x" }),
        beyond: () => Effect.succeed({ id: "x" }),
        thrown: (): Effect.Effect<string> => {
          throw new Error("at once")
        },
        interrupted: () => Effect.interrupt,
        headed: (): Effect.Effect<string> => {
          throw new Error("with headers")
        },
        caught: ({ request }) => {
          calls++
          return Effect.succeed({ calls, agent: request.headers["x-agent"] ?? "none", known: "method" in request })
        },
        unfit: () => Effect.succeed({ n: 0.5 }),
        suffixed: ({ params }) => Effect.succeed(params.id),
        later: ({ request }) => {
          setImmediate(() => {
            const { headers, method, text, url } = request
            void Effect.runPromise(text).then((text) => read(`${method} ${url} ${headers["x-agent"]} ${text}`))
          })
          return Effect.succeed("at once")
        },
        twice: ({ request }) =>
          Effect.gen(function*() {
            const { text } = yield* HttpServerRequest.HttpServerRequest
            return [yield* request.text, yield* text]
          }).pipe(Effect.orDie),
        raw: ({ request }) => Effect.orDie(request.text),
        short: () => Effect.succeed(HttpServerResponse.stream(Stream.make(bytes.encode("12")), { contentLength: 3 })),
        long: () => Effect.succeed(HttpServerResponse.stream(Stream.make(bytes.encode("1234")), { contentLength: 3 })),
        streamed: ({ request }) =>
          Effect.succeed(HttpServerResponse.stream(Stream.suspend(() => Stream.make(bytes.encode(request.url)))))
      })).pipe(Layer.provide([reporter, Layer.succeed(Suffix, "!")]))
    const context = yield* Layer.build(handlers.pipe(Layer.provideMerge(MicroserviceMemory)))
    const { url } = yield* Effect.provideContext(
      Effect.flatMap(Server.router(Api), open).pipe(Effect.provideService(HttpRouter.RouterConfig, config)),
      context
    )
    const { events } = Context.get(context, LogSinkMemory)
    return { url, reported, readLater, events, logged: () => events.filter(({ level }) => level === "Error").length }
  }).pipe(Effect.orDie)

const ask = (url: string, method: string, path: string) =>
  Effect.callback<{ readonly status: number; readonly length: string | undefined; readonly body: string }>((resume) => {
    request(`${url}${path}`, { method, agent: false }, (response) => {
      let body = ""
      response.setEncoding("utf8").on("data", (data: string) => body += data).on("end", () => {
        resume(Effect.succeed({
          status: response.statusCode ?? 0,
          length: response.headers["content-length"],
          body
        }))
      })
    }).end()
  })

const post = (path: string, body: string) =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nX-Agent: me\r\nConnection: close\r\nContent-Type: application/json\r\n` +
  `Content-Length: ${body.length}\r\n\r\n${body}`

describe("a router", () => {
  for (
    const [method, path, status] of [
      ["POST", "/things/7:cancel", 200],
      ["POST", "/things/7", 200],
      ["GET", "/packages/effect@4.1", 200],
      ["GET", "/numbers/12/half", 200],
      ["GET", "/numbers/x/half", 404],
      ["GET", "/context/a%20b?c=d", 200],
      ["GET", "/search?a=1&b=2&b=3", 200],
      ["GET", "/page", 200],
      ["GET", "/page?page=1", 200],
      ["GET", "/order", 409],
      ["GET", "/empty", 204],
      ["GET", "/beyond", 500],
      ["GET", "/thrown", 500],
      ["HEAD", "/thrown", 500],
      ["GET", "/headed", 500],
      ["GET", "/suffixed/x", 200],
      ["GET", "/caught", 200],
      ["GET", "/streamed", 200]
    ] as const
  ) {
    it.live(`answers ${method} ${path} as Effect's own does, and says and reports as much`, () =>
      Effect.scoped(Effect.gen(function*() {
        const general = yield* served(HttpApiBuilder.group)
        const compiled = yield* served(OperationGroup.group)
        const expected = yield* ask(general.url, method, path)
        assert.strictEqual(expected.status, status)
        assert.deepStrictEqual(yield* ask(compiled.url, method, path), expected)
        assert.deepStrictEqual(compiled.reported, general.reported)
        assert.strictEqual(compiled.logged(), general.logged())
      })))
  }

  it.live("follows the router's configuration", () =>
    Effect.scoped(Effect.gen(function*() {
      const { url } = yield* served(OperationGroup.group, { ignoreTrailingSlash: false })
      assert.strictEqual((yield* ask(url, "GET", "/numbers/1/half")).status, 200)
      assert.strictEqual((yield* ask(url, "GET", "/numbers/1/half/")).status, 404)
    })))

  for (const make of [HttpApiBuilder.group, OperationGroup.group]) {
    it.live("reads a body once for the handler's request and the one of its context", () =>
      Effect.scoped(Effect.gen(function*() {
        const { url } = yield* served(make)
        const body = JSON.stringify({ text: "t" })
        const answer = yield* Effect.promise(() => exchange(url, post("/twice", body)))
        assert.include(answer, JSON.stringify([body, body]))
      })))

    it.live("takes no handler that interrupts itself for the end of the service", () =>
      Effect.scoped(Effect.gen(function*() {
        const { logged, url } = yield* served(make)
        assert.strictEqual((yield* ask(url, "GET", "/interrupted")).status, 500)
        assert.isAbove(logged(), 0)
      })))

    it.live("leaves a body to a handler that declares none", () =>
      Effect.scoped(Effect.gen(function*() {
        const { url } = yield* served(make)
        const answer = yield* Effect.promise(() => exchange(url, post("/raw", "signed")))
        assert.include(answer, JSON.stringify("signed"))
      })))

    it.live("lets a handler read its request after it answered", () =>
      Effect.scoped(Effect.gen(function*() {
        const { readLater, url } = yield* served(make)
        const body = JSON.stringify({ text: "" })
        const answer = yield* Effect.promise(() => exchange(url, post("/later", body)))
        assert.include(answer, "at once")
        assert.strictEqual(yield* Effect.promise(() => readLater), `POST /later me ${body}`)
      })))

    for (const path of ["/short", "/long"]) {
      it.live(`cuts the connection of ${path}, whose body has another length than it says, before another answer`, () =>
        Effect.scoped(Effect.gen(function*() {
          const { url } = yield* served(make)
          const next = "GET /numbers/1/half HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
          const answer = yield* Effect.promise(() => exchange(url, `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n${next}`))
          const [, body = ""] = answer.split("\r\n\r\n")
          assert.isAtMost(body.length, 3)
        })))
    }
  }

  it.live("says of an answer that does not fit its schema where it does not", () =>
    Effect.scoped(Effect.gen(function*() {
      const { events, url } = yield* served(OperationGroup.group)
      assert.include((yield* ask(url, "GET", "/unfit")).body, "InternalServerError")
      const line = events.find(({ level }) => level === "Error")?.line ?? ""
      assert.include(String(JSON.parse(line).cause), `SchemaError: Expected an integer\n  at ["n"]`)
    })))
})
