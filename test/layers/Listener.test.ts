import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Result, Scope, Stream } from "effect"
import { Schema } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { IncomingMessage } from "node:http"
import { connect } from "node:net"
import * as Microservice from "../../src/layers/Microservice.ts"
import * as Server from "../../src/layers/Server.ts"
import * as LogSink from "../../src/services/LogSink.ts"
import { resolve, Settings } from "../../src/services/Settings.ts"
import { answers, exchange } from "../utils/rawHttp.ts"

class Api extends HttpApi.make("test").add(
  HttpApiGroup.make("things").add(
    HttpApiEndpoint.post("size", "/size", {
      payload: HttpApiSchema.StreamUint8Array(),
      success: Schema.Finite
    }),
    HttpApiEndpoint.get("ended", "/ended", { success: Schema.Boolean }),
    HttpApiEndpoint.get("stuck", "/stuck", { success: Schema.Boolean }),
    HttpApiEndpoint.get("told", "/told", { query: { text: Schema.String }, success: Schema.String }),
    HttpApiEndpoint.get("cookie", "/cookie", { query: { text: Schema.String }, success: Schema.String })
  )
) {}

let begin = () => {}

const handlers = Microservice.group(Api, "things", (handlers) =>
  handlers.handleAll({
    size: ({ payload }) => Stream.runFold(payload, () => 0, (size, chunk) => size + chunk.length).pipe(Effect.orDie),
    ended: ({ request: { source } }) => Effect.succeed(source instanceof IncomingMessage && source.readableEnded),
    stuck: () => Effect.uninterruptible(Effect.andThen(Effect.sync(() => begin()), Effect.never)),
    told: ({ query: { text } }) =>
      Effect.succeed(HttpServerResponse.text("", { headers: { "x-told": text } }) as never),
    cookie: ({ query: { text } }) =>
      HttpServerResponse.setCookie(HttpServerResponse.empty(), "told", text).pipe(
        Effect.orDie,
        Effect.map((response) => response as never)
      )
  }))

const layer = (flags: Record<string, string> = {}) =>
  Server.layer(Api).pipe(
    Layer.provide(handlers),
    Layer.provideMerge(Microservice.MicroserviceMemory),
    Layer.provide(
      Layer.succeed(
        Settings,
        Result.getOrThrow(resolve({ flags: { host: "127.0.0.1", port: "0", ...flags }, env: {} }))
      )
    )
  )

const post = "POST /size HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\nConnection: close\r\n"

/** Sends one block again and again, as fast as it is taken, and resolves with what came back and the most memory used. */
const upload = (url: string, head: string, block: Buffer, times: number) =>
  Effect.promise(() =>
    new Promise<{ text: string; most: number; sent: number }>((resolve) => {
      const { hostname, port } = new URL(url)
      const socket = connect(Number(port), hostname)
      let text = ""
      let most = 0
      let sent = 0
      const send = () => {
        most = Math.max(most, process.memoryUsage.rss())
        while (sent < times) {
          sent++
          if (!socket.write(block)) return
        }
        if (head.includes("chunked")) socket.write("0\r\n\r\n")
      }
      socket.on("drain", send)
      socket.on("data", (data) => text += String(data))
      socket.on("error", () => {})
      socket.on("close", () => resolve({ text, most, sent }))
      socket.write(head)
      send()
    })
  )

const mebibyte = 2 ** 20
const raw = Buffer.alloc(mebibyte, "a")
const chunk = Buffer.concat([Buffer.from(`${mebibyte.toString(16)}\r\n`), raw, Buffer.from("\r\n")])

describe("a listener", () => {
  it.live("ends though a handler does not that cannot be interrupted", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(layer({ "shutdown-deadline": "100ms" }), scope)
      const { url } = Context.get(context, Server.Server)
      const begun = new Promise<void>((resolve) => {
        begin = resolve
      })
      const answer = exchange(url, "GET /stuck HTTP/1.1\r\nHost: x\r\n\r\n")
      yield* Effect.promise(() => begun)
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(yield* Effect.promise(() => answer), "")
      const { events } = Context.get(context, LogSink.LogSinkMemory)
      assert.isDefined(events.find(({ line }) => line.includes("leaves handlers behind")))
    }))

  it.live("streams a gigabyte that it was told to take, in the memory of a few blocks", () =>
    Effect.gen(function*() {
      const { url } = yield* Server.Server
      const warm = yield* upload(url, `${post}Transfer-Encoding: chunked\r\n\r\n`, chunk, 64)
      assert.strictEqual(answers(warm.text)[0]?.body, String(64 * mebibyte))
      const before = process.memoryUsage.rss()
      const cases = [[`Content-Length: ${64 * mebibyte}`, raw, 64], [
        "Transfer-Encoding: chunked",
        chunk,
        1024
      ]] as const
      for (const [head, block, times] of cases) {
        const { most, text } = yield* upload(url, `${post}${head}\r\n\r\n`, block, times)
        assert.strictEqual(answers(text)[0]?.body, String(times * mebibyte))
        assert.isBelow((most - before) / mebibyte, 128)
      }
    }).pipe(Effect.scoped, Effect.provide(layer({ "max-body": "2GiB" }))), 120_000)

  it.live("makes no stream of a request that has no body", () =>
    Effect.gen(function*() {
      const { url } = yield* Server.Server
      const text = yield* Effect.promise(() =>
        exchange(url, "GET /ended HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
      )
      assert.strictEqual(answers(text)[0]?.body, "true")
    }).pipe(Effect.scoped, Effect.provide(layer())))

  it.live("cuts a stream at the limit while the handler reads it", () =>
    Effect.gen(function*() {
      const { url } = yield* Server.Server
      const { sent, text } = yield* upload(url, `${post}Transfer-Encoding: chunked\r\n\r\n`, chunk, 1024)
      const [answer, ...others] = answers(text)
      assert.deepStrictEqual([answer?.status, others], [413, []])
      assert.include(answer?.body, "BodyTooLarge")
      assert.isBelow(sent, 100)
    }).pipe(Effect.scoped, Effect.provide(layer())))

  it.live("does not let what a client says become a header or an answer of its own", () =>
    Effect.gen(function*() {
      const { url } = yield* Server.Server
      const evil = [
        "a\r\nSet-Cookie: b=c",
        "a\nSet-Cookie: b=c",
        "a\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        "\u010d\u010aSet-Cookie: b=c"
      ]
      for (const path of ["/told", "/cookie"]) {
        for (const text of evil) {
          const said = yield* Effect.promise(() =>
            exchange(
              url,
              `GET ${path}?text=${encodeURIComponent(text)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`
            )
          )
          const [answer, ...others] = answers(said)
          assert.deepStrictEqual([path, others], [path, []])
          assert.notStrictEqual(answer?.headers.get("set-cookie"), "b=c")
          if (path === "/told") assert.strictEqual(answer?.status, 500)
        }
      }
      const trace = `00-${"a".repeat(32)}-${"b".repeat(16)}-01\tX: a`
      const [answer] = answers(
        yield* Effect.promise(() =>
          exchange(url, `GET /nowhere HTTP/1.1\r\nHost: x\r\ntraceparent: ${trace}\r\nConnection: close\r\n\r\n`)
        )
      )
      assert.strictEqual(answer?.status, 404)
      const { events } = yield* LogSink.LogSinkMemory
      for (const { line } of events) assert.notMatch(line, /[\r\n]/)
    }).pipe(Effect.scoped, Effect.provide(layer())))
})
