import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Result, Scope } from "effect"
import { once } from "node:events"
import { connect, type Socket } from "node:net"
import * as Admin from "../../src/layers/Admin.ts"
import { maxFollowers } from "../../src/layers/LogTail.ts"
import { MicroserviceMemory } from "../../src/layers/Microservice.ts"
import { Logs } from "../../src/services/Logs.ts"
import { LogSinkMemory } from "../../src/services/LogSink.ts"
import type { Values } from "../../src/services/SettingDefinitions.ts"
import { resolve, Settings } from "../../src/services/Settings.ts"

const settings: Values = { ...Result.getOrThrow(resolve({ flags: {}, env: {} })), adminPort: 0 }

const layer = Admin.layer.pipe(
  Layer.provideMerge(MicroserviceMemory),
  Layer.provideMerge(Layer.succeed(Settings, settings))
)

// Less than a heartbeat: what waits for one waits too long.
const limit = 10_000

const urlOf = Effect.map(Admin.Admin, ({ url }) => `${url}/logs`)

const log = (text: string) =>
  Effect.map(Logs, (logs) => logs.offer({ timestamp: 0, level: "Info", line: `{"message":"${text}"}` }))

/** Reads a stream of events until `done` holds for all that came. */
const reader = (response: Response) => {
  const stream = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ""
  return {
    until: async (done: (text: string) => boolean) => {
      while (!done(text)) {
        const chunk = await stream?.read()
        if (chunk === undefined || chunk.done) break
        text += chunk.value
      }
      return text
    },
    cancel: () => stream?.cancel()
  }
}

const messages = (text: string) => [...text.matchAll(/^data: {"message":"(.*)"}$/gm)].map(([, message]) => message)

const follow = (url: string, headers: Record<string, string> = { accept: "text/event-stream" }) =>
  Effect.promise(() => fetch(url, { headers }))

describe("/logs", () => {
  it.live("is the recent lines as they were logged, as one JSON array", () =>
    Effect.gen(function*() {
      const url = yield* urlOf
      for (let n = 0; n < 12; n++) yield* log(String(n))
      const response = yield* Effect.promise(() => fetch(url))
      const lines = (yield* Effect.promise(() => response.json())) as ReadonlyArray<{ readonly message: string }>
      assert.deepStrictEqual(lines.map(({ message }) => message), ["2", "3", "4", "5", "6", "7", "8", "9", "10", "11"])
      assert.strictEqual(response.headers.get("content-type"), "application/json")
    }).pipe(Effect.provide(layer)))

  it.live(
    "is a stream of events for who follows: the recent lines, then each that comes",
    () =>
      Effect.gen(function*() {
        const url = yield* urlOf
        for (const [round, asked] of [follow(url), follow(`${url}?follow`, {})].entries()) {
          yield* log(`before ${round}`)
          const response = yield* asked
          assert.strictEqual(response.headers.get("content-type"), "text/event-stream")
          assert.strictEqual(response.headers.get("cache-control"), "no-store")
          const { cancel, until } = reader(response)
          yield* Effect.promise(() => until((text) => text.includes(`before ${round}`)))
          yield* log(`after ${round}`)
          yield* log(`again ${round}`)
          const text = yield* Effect.promise(() => until((text) => text.includes(`again ${round}`)))
          assert.deepStrictEqual(messages(text).slice(-3), [`before ${round}`, `after ${round}`, `again ${round}`])
          yield* Effect.promise(async () => cancel())
        }
      }).pipe(Effect.provide(layer)),
    limit
  )

  it.live("answers HEAD without following", () =>
    Effect.gen(function*() {
      const url = yield* urlOf
      const response = yield* Effect.promise(() => fetch(`${url}?follow`, { method: "HEAD" }))
      assert.deepStrictEqual([response.status, response.headers.get("content-type")], [200, "text/event-stream"])
    }).pipe(Effect.provide(layer)))

  it.live("takes a few followers at a time, and others once one has left", () =>
    Effect.gen(function*() {
      const url = yield* urlOf
      yield* log("hello")
      const all = yield* Effect.all(Array.from({ length: maxFollowers + 5 }, () => follow(url)), {
        concurrency: "unbounded"
      })
      const refused = all.filter(({ status }) => status === 503)
      assert.strictEqual(refused.length, 5)
      assert.strictEqual(refused[0]?.headers.get("retry-after"), "10")
      const taken = all.filter(({ status }) => status === 200).map(reader)
      yield* Effect.promise(async () => taken[0]?.cancel())
      yield* Effect.repeat(follow(url), { until: ({ status }) => status === 200 })
      yield* Effect.promise(() => Promise.all(taken.slice(1).map(({ cancel }) => cancel())))
    }).pipe(Effect.provide(layer)))

  it.live("tells a reader that is too slow how many lines it lost, and waits for nobody", () =>
    Effect.gen(function*() {
      const { hostname, port } = new URL(yield* urlOf)
      const socket: Socket = connect(Number(port), hostname)
      socket.write(`GET /logs?follow HTTP/1.0\r\nHost: ${hostname}:${port}\r\n\r\n`)
      yield* log("0")
      yield* Effect.promise(() => once(socket, "readable"))
      const padding = "x".repeat(10_000)
      const total = 3000
      for (let n = 1; n <= total; n++) {
        yield* log(`${n} ${padding}`)
        if (n % 100 === 0) yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      }
      let text = ""
      const lostOf = () => Number(/event: lost\ndata: (\d+)\n\n/.exec(text)?.[1])
      yield* Effect.promise(async () => {
        socket.on("data", (data) => text += String(data))
        while (Number.isNaN(lostOf())) await once(socket, "data")
      })
      const numbers = messages(text).map((message) => Number(message?.split(" ")[0]))
      assert.isAbove(lostOf(), 0)
      assert.strictEqual(numbers.length + lostOf(), total + 1)
      assert.deepStrictEqual(numbers, Array.from({ length: numbers.length }, (_, index) => index))
      socket.destroy()
    }).pipe(Effect.provide(layer)))

  it.live("ends its streams with the listener, after the last line, and nothing is cut", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(layer, scope)
      const { events, text } = yield* Effect.gen(function*() {
        const { events } = yield* LogSinkMemory
        const { until } = reader(yield* follow(yield* urlOf))
        yield* log("last")
        yield* Scope.close(scope, Exit.void)
        return { events, text: yield* Effect.promise(() => until(() => false)) }
      }).pipe(Effect.provideContext(context))
      assert.deepStrictEqual(messages(text), ["last"])
      assert.deepStrictEqual(events.filter(({ line }) => line.includes("cut requests")), [])
    }), limit)
})
