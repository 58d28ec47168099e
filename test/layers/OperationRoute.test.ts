import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Context, Effect, Layer, Schema } from "effect"
import { HttpServerResponse } from "effect/http"
import {
  HttpApi,
  HttpApiBuilder,
  HttpApiEndpoint,
  HttpApiGroup,
  HttpApiMiddleware,
  HttpApiSchema
} from "effect/http-api"
import * as OperationGroup from "../../src/layers/OperationGroup.ts"
import * as OperationRoute from "../../src/layers/OperationRoute.ts"
import { inProcess } from "../utils/richService.ts"

const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000)

const answer = async (response: Response) => ({
  status: response.status,
  type: response.headers.get("content-type"),
  length: response.headers.get("content-length"),
  body: await response.text()
})

const Text = Schema.Union([
  Schema.String.pipe(Schema.check(Schema.makeFilter((text: string) => text.isWellFormed()))),
  Schema.Literals([
    "",
    "1",
    "-1",
    "1.5",
    "NaN",
    "true",
    "abc",
    "{}",
    "[]",
    "null",
    "[1]",
    "{\"name\":1}",
    "{\"a\":\"b\",\"n\":\"3\"}"
  ])
])

const Requests = Arbitrary.schema(Schema.Struct({
  path: Schema.Literals([
    "/items/ID",
    "/items",
    "/items/ID/of/me",
    "/bodies/text",
    "/bodies/form",
    "/bodies/union",
    "/bodies/list",
    "/bodies/query",
    "/streams/lines",
    "/streams/sum",
    "/ping",
    "/broken",
    "/nothing"
  ]),
  method: Schema.Literals(["GET", "POST", "PUT", "PATCH", "DELETE"]),
  id: Text,
  query: Schema.Record(
    Schema.Literals(["verbose", "tags", "price", "dry", "q", "n", "to", "name"]),
    Schema.optionalKey(Text)
  ),
  type: Schema.Literals([
    "application/json",
    "application/json; charset=utf-8",
    "Application/JSON ;charset=latin1",
    "application/jsonl",
    "text/plain",
    "application/x-ndjson",
    ""
  ]),
  body: Text
}))

describe(`compiled routes (seed ${seed})`, () => {
  it.live("answer any request as Effect's own router does, byte for byte", () =>
    Effect.scoped(Effect.gen(function*() {
      const compiled = yield* inProcess(OperationGroup.group)
      const general = yield* inProcess(HttpApiBuilder.group)
      const statuses = new Set<number>()
      const result = yield* Arbitrary.checkEffect(Requests, ({ body, id, method, path, query, type }) =>
        Effect.promise(async () => {
          const search = new URLSearchParams()
          for (const [name, value] of Object.entries(query)) {
            if (value !== undefined) {
              search.append(name, value)
            }
          }
          const url = `http://localhost${path.replace("ID", encodeURIComponent(id))}?${search}`
          const request = () =>
            new Request(url, {
              method,
              headers: { "x-tenant": "t", ...(type === "" ? {} : { "content-type": type }) },
              ...(method === "GET" ? {} : { body: type === "" ? new TextEncoder().encode(body) : body })
            })
          const expected = await answer(await general(request()))
          statuses.add(expected.status)
          assert.deepStrictEqual(await answer(await compiled(request())), expected)
          return true
        }), { seed, runs: 1500 })
      assert.isUndefined(Arbitrary.formatCheckFailure(result))
      for (const status of [200, 400, 404, 405, 500]) {
        assert.include([...statuses], status)
      }
    })))

  it.effect("exist for the plain JSON operations and for no other", () =>
    Effect.gen(function*() {
      class Guard extends HttpApiMiddleware.Service<Guard>()("test/Guard") {}
      const plain = HttpApiEndpoint.get("plain", "/plain", { success: Schema.String })
      class Odd extends HttpApiGroup.make("odd").add(
        plain,
        HttpApiEndpoint.post("text", "/text", { payload: Schema.String.pipe(HttpApiSchema.asText()) }),
        HttpApiEndpoint.get("textual", "/textual", { success: Schema.String.pipe(HttpApiSchema.asText()) }),
        HttpApiEndpoint.get("two", "/two", {
          success: [Schema.String, Schema.Int.pipe(HttpApiSchema.status(201))]
        }),
        HttpApiEndpoint.get("guarded", "/guarded", { success: Schema.String }).middleware(Guard),
        HttpApiEndpoint.get("strict", "/strict", { success: Schema.String }).annotate(HttpApi.ParseOptions, {
          onExcessProperty: "error"
        }),
        HttpApiEndpoint.get("headed", "/headed", {
          success: HttpApiSchema.WithHeaders(Schema.String, { "x-a": Schema.String })
        }),
        HttpApiEndpoint.get("lines", "/lines", { success: HttpApiSchema.StreamNdjson({ schema: Schema.Int }) })
      ) {}
      const handlers = new Map(
        ["plain", "text", "textual", "two", "guarded", "strict", "headed", "lines"].map((name) => [
          name,
          { handle: () => Effect.succeed("x"), uninterruptible: false }
        ])
      )
      const compiled: Array<string> = []
      HttpApi.reflect(HttpApi.make("odd").add(Odd), {
        onGroup: () => {},
        onEndpoint: (reflected) => {
          const route = OperationRoute.compile(
            reflected as never,
            { handlers, context: Context.empty() },
            Context.empty()
          )
          if (route !== undefined) compiled.push(reflected.endpoint.identifier)
        }
      })
      assert.deepStrictEqual(compiled, ["plain"])
      yield* Effect.void
    }))

  it.effect("give handlers the services their group was built with", () =>
    Effect.scoped(Effect.gen(function*() {
      class Secret extends Context.Service<Secret, string>()("test/Secret") {}
      class One extends HttpApi.make("one").add(
        HttpApiGroup.make("g").add(HttpApiEndpoint.get("read", "/read", { success: Schema.String }))
      ) {}
      const layer = OperationGroup.group(One, "g", (handlers) =>
        handlers.handle("read", () =>
          Effect.gen(function*() {
            return yield* Secret
          }) as Effect.Effect<string>)).pipe(Layer.provide(Layer.succeed(Secret, "private")))
      const context = yield* Layer.build(layer)
      const captured = OperationGroup.captured(context as never, One.groups.g)
      assert.isDefined(captured)
      let route: OperationRoute.OperationRoute | undefined
      HttpApi.reflect(One, {
        onGroup: () => {},
        onEndpoint: (reflected) => {
          route = OperationRoute.compile(
            reflected as never,
            { ...captured!, context: Context.merge(captured!.context, Context.make(Secret, "private")) as never },
            Context.empty()
          )
        }
      })
      const response = yield* route!.run({ headers: {} } as never, {}, {}) as Effect.Effect<
        HttpServerResponse.HttpServerResponse
      >
      assert.strictEqual(yield* Effect.promise(() => HttpServerResponse.toWeb(response).text()), "\"private\"")
    })))
})
