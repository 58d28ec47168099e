import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Layer, Result, Schema } from "effect"
import { HttpServerRequest } from "effect/http"
import { HttpApi, HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { once } from "node:events"
import { createServer, type IncomingMessage } from "node:http"
import { type AddressInfo, connect } from "node:net"
import { setImmediate as turn } from "node:timers/promises"
import * as Microservice from "../../src/layers/Microservice.ts"
import * as RequestBody from "../../src/layers/RequestBody.ts"
import * as Server from "../../src/layers/Server.ts"
import * as LogSink from "../../src/services/LogSink.ts"
import { resolve, Settings } from "../../src/services/Settings.ts"
import { answers, exchange } from "../utils/rawHttp.ts"

const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000)

class Odd extends Schema.TaggedError<Odd>()("Odd", { n: Schema.Int }, { httpApiStatus: 409 }) {}

const Thing = Schema.Struct({ text: Schema.String, n: Schema.optionalKey(Schema.Int) })

const options = { payload: Thing, success: Schema.Unknown, error: Odd }

class Api extends HttpApi.make("test").add(
  HttpApiGroup.make("things").add(
    HttpApiEndpoint.post("echo", "/echo", options),
    HttpApiEndpoint.put("later", "/later/:id", { ...options, params: { id: Schema.Int } }),
    HttpApiEndpoint.patch("thrown", "/thrown", options),
    HttpApiEndpoint.post("nothing", "/nothing", { ...options, payload: Schema.NullOr(Thing) }),
    HttpApiEndpoint.post("number", "/number", { ...options, payload: Schema.Int }),
    HttpApiEndpoint.post("early", "/early", options),
    HttpApiEndpoint.post("within", "/within", options),
    HttpApiEndpoint.post("spread", "/spread", options),
    HttpApiEndpoint.post("again", "/again", options),
    HttpApiEndpoint.get("lazy", "/lazy", { success: Schema.Unknown })
  )
) {}

const said = (request: HttpServerRequest.HttpServerRequest) => request.headers["x-said"]

const handlers = Microservice.group(Api, "things", (handlers) =>
  handlers.handleAll({
    echo: ({ payload }) => payload.n === 13 ? Effect.fail(new Odd({ n: 13 })) : Effect.succeed(payload),
    later: ({ params, payload }) => Effect.as(Effect.yieldNow, { ...params, ...payload }),
    thrown: ({ payload }) => {
      if (payload.n === 13) throw new Error("thrown by the handler")
      return Effect.succeed(payload)
    },
    nothing: ({ payload }) => Effect.succeed(payload),
    number: ({ payload }) => Effect.succeed(payload),
    early: ({ payload, request }) => Effect.succeed([payload, said(request)]),
    within: (input) => Effect.map(Effect.yieldNow, () => [input.payload, said(input.request)]),
    spread: (input) => {
      const { payload, ...rest } = { ...input }
      return Effect.map(Effect.yieldNow, () => [payload, said(rest.request)])
    },
    again: ({ payload }) =>
      Effect.flatMap(
        HttpServerRequest.HttpServerRequest,
        ({ text }) => Effect.map(text, (text) => [payload, text])
      ).pipe(Effect.orDie),
    lazy: (input) => Effect.map(Effect.yieldNow, () => [said(input.request)])
  }))

const layer = Server.layer(Api).pipe(
  Layer.provide(handlers),
  Layer.provideMerge(Microservice.MicroserviceMemory),
  Layer.provide(
    Layer.succeed(
      Settings,
      Result.getOrThrow(resolve({ flags: { host: "127.0.0.1", port: "0", "max-body": "64KiB" }, env: {} }))
    )
  )
)

const bytesOf = (text: string) => Buffer.from(text, "latin1")
const headOf = (line: string, headers: ReadonlyArray<string>) =>
  bytesOf(`${[`${line} HTTP/1.1`, "Host: x", "X-Said: so", ...headers].join("\r\n")}\r\n\r\n`)

const last = headOf("GET /nowhere", ["Connection: close"])

/** Sends one piece after another, each when the one before has left, and resolves with all that came back. */
const drip = async (url: string, pieces: ReadonlyArray<Buffer>) => {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname).setNoDelay(true)
  await once(socket, "connect")
  const closed = once(socket, "close")
  let text = ""
  socket.on("data", (data: Buffer) => text += data.toString("latin1"))
  for (const piece of pieces) {
    await new Promise((resolve) => socket.write(piece, resolve))
    // The listener is in this process: each turn of the loop it reads what came.
    for (let turns = 0; turns < 4; turns++) await turn()
  }
  await closed
  return text
}

const Bodies = Schema.Union([
  Schema.Struct({ text: Schema.String, n: Schema.Literals([1, 13]) }),
  Schema.Struct({ text: Schema.String, n: Schema.optionalKey(Schema.Literals([1.5, "1"])) }),
  Schema.Array(Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 0, maximum: 255 }))))
])

const examples = [
  "",
  "null",
  "{}",
  "[]",
  "12",
  `{"text":`,
  `\ufeff{"text":"a mark"}`,
  "\ufeff",
  `{"text":"\ufeff"}`,
  `{"text":"","n":13}`
]

const Requests = Arbitrary.schema(Schema.Struct({
  line: Schema.Literals([
    "POST /echo",
    "PUT /later/1",
    "PUT /later/x",
    "PATCH /thrown",
    "POST /nothing",
    "POST /early",
    "POST /within",
    "POST /spread",
    "POST /again"
  ]),
  type: Schema.Literals([
    "Content-Type: application/json",
    "Content-Type: application/json; charset=utf-8",
    "Content-Type: APPLICATION/JSON;charset=latin1",
    "Content-Type: application/json ; charset=utf-8",
    "Content-Type: application/jsonl",
    "Content-Type: text/plain",
    "Content-Type:",
    "X-Type: none"
  ]),
  body: Bodies
}))

const bodyOf = (body: typeof Bodies.Type): Buffer =>
  Array.isArray(body)
    ? Buffer.from(body)
    : Buffer.from(typeof body === "string" ? body : JSON.stringify(body), "utf8")

const inChunks = (body: Buffer) =>
  Buffer.concat(body.length === 0 ? [] : [bytesOf(`${body.length.toString(16)}\r\n`), body, bytesOf("\r\n")])

const sameEveryWay = async (url: string, line: string, type: string, body: Buffer): Promise<number> => {
  const sized = headOf(line, [type, `Content-Length: ${body.length}`])
  const chunked = headOf(line, [type, "Transfer-Encoding: chunked"])
  const answered = (text: string, index = 0) => {
    const { body, headers, status } = answers(text)[index]!
    return { status, body, type: headers.get("content-type"), length: headers.get("content-length") }
  }
  const expected = answered(
    await exchange(url, Buffer.concat([chunked, inChunks(body), bytesOf("0\r\n\r\n"), last]))
  )
  const middle = body.length >> 1
  const ways = [
    answered(await exchange(url, Buffer.concat([sized, body, last]))),
    answered(await drip(url, [sized, body.subarray(0, middle), body.subarray(middle), last])),
    answered(await drip(url, [sized.subarray(0, 20), sized.subarray(20), body, last])),
    answered(await exchange(url, Buffer.concat([headOf("GET /lazy", []), sized, body, last])), 1)
  ]
  for (const way of ways) assert.deepStrictEqual(way, expected)
  return expected.status
}

describe(`a body (seed ${seed})`, () => {
  it.live(
    "is answered the same whatever way it comes: at once, in pieces, in chunks, or behind another request",
    () =>
      Effect.gen(function*() {
        const { url } = yield* Server.Server
        const statuses = new Set<number>()
        const result = yield* Arbitrary.checkEffect(Requests, ({ body, line, type }) =>
          Effect.promise(async () => {
            statuses.add(await sameEveryWay(url, line, type, bodyOf(body)))
            return true
          }), { seed, runs: 300 })
        assert.isUndefined(Arbitrary.formatCheckFailure(result))
        for (const line of ["POST /echo", "POST /nothing", "POST /number", "PATCH /thrown", "POST /again"]) {
          for (const example of examples) {
            statuses.add(yield* Effect.promise(() => sameEveryWay(url, line, "X-Type: none", Buffer.from(example))))
          }
        }
        for (const status of [200, 400, 409, 415, 500]) assert.include([...statuses], status)
      }).pipe(Effect.scoped, Effect.provide(layer)),
    60_000
  )

  it.live("does not keep the request from a handler that reads it, at once or later", () =>
    Effect.gen(function*() {
      const { url } = yield* Server.Server
      const ask = (method: string, path: string) =>
        Effect.promise(async () => {
          const body = method === "GET" ? {} : { body: `{"text":"a"}` }
          const response = await fetch(url + path, {
            method,
            headers: { "x-said": path, "content-type": "application/json" },
            ...body
          })
          return await response.text()
        })
      // A route learns from its first request: ask twice.
      for (const _ of [1, 2]) {
        assert.strictEqual(yield* ask("GET", "/lazy"), `["/lazy"]`)
        for (const path of ["/early", "/within", "/spread"]) {
          assert.strictEqual(yield* ask("POST", path), `[{"text":"a"},"${path}"]`)
        }
        assert.strictEqual(yield* ask("POST", "/again"), `[{"text":"a"},"{\\"text\\":\\"a\\"}"]`)
      }
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("that its client does not finish is logged once, as any other", () =>
    Effect.gen(function*() {
      const { url } = yield* Server.Server
      const sink = yield* LogSink.LogSinkMemory
      const leave = (head: Buffer) =>
        Effect.promise(async () => {
          const { hostname, port } = new URL(url)
          const socket = connect(Number(port), hostname)
          await once(socket, "connect")
          const known = sink.events.length
          await new Promise((resolve) => socket.write(Buffer.concat([head, bytesOf(`c\r\n{"te`)]), resolve))
          await turn()
          socket.destroy()
          while (sink.events.length === known) await turn()
          const line = JSON.parse(sink.events[known]?.line ?? "") as Record<string, unknown>
          return [line["operation"], line["http.response.status_code"], line["client_left"]]
        })
      const chunked = yield* leave(headOf("POST /echo", ["Transfer-Encoding: chunked"]))
      assert.strictEqual(chunked[0], "things.echo")
      assert.deepStrictEqual(yield* leave(headOf("POST /echo", ["Content-Length: 100"])), chunked)
      assert.deepStrictEqual([sink.events.length], [2])
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it("that is passed over neither flows nor holds up what follows, however much of it is still to come", async () => {
    const seen: Array<IncomingMessage> = []
    const server = createServer((request, response) => {
      seen.push(request)
      request.on("end", () => assert.fail("its end was emitted"))
      response.end(request.method)
      RequestBody.passOver(request)
    })
    server.listen(0, "127.0.0.1")
    await once(server, "listening")
    const { port } = server.address() as AddressInfo
    const body = Buffer.alloc(2 ** 20)
    const text = await drip(`http://127.0.0.1:${port}`, [
      headOf("GET /", []),
      Buffer.concat([headOf("POST /", [`Content-Length: ${body.length}`]), body.subarray(0, 1000)]),
      body.subarray(1000),
      headOf("PUT /", ["Connection: close"])
    ])
    server.close()
    assert.deepStrictEqual(answers(text).map(({ body }) => body), ["GET", "POST", "PUT"])
    assert.deepStrictEqual(
      seen.map(({ readableFlowing, readableLength }) => [readableFlowing, readableLength]),
      [[null, 0], [null, 0], [null, 0]]
    )
  })
})
