import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer, Result, Schema } from "effect"
import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import * as Microservice from "../../src/layers/Microservice.ts"
import * as Server from "../../src/layers/Server.ts"
import { LogLevels } from "../../src/services/LogLevels.ts"
import * as LogSink from "../../src/services/LogSink.ts"
import type { Values } from "../../src/services/SettingDefinitions.ts"
import { resolve, Settings } from "../../src/services/Settings.ts"

class Full extends Schema.TaggedError<Full>()("Full", { message: Schema.String }, { httpApiStatus: 507 }) {}

const query = { as: Schema.Literals(["success", "defect", "full", "error"]), id: Schema.String }

class Api extends HttpApi.make("test").add(
  HttpApiGroup.make("things").add(
    HttpApiEndpoint.get("fast", "/fast", { query, success: Schema.String, error: Full }),
    HttpApiEndpoint.post("slow", "/slow", { query, payload: Schema.String, success: Schema.String, error: Full })
  )
) {}

const handle = ({ query: { as, id } }: { readonly query: { readonly as: string; readonly id: string } }) =>
  Effect.gen(function*() {
    yield* Effect.logDebug(`begin ${id}`)
    yield* Effect.logInfo(`info ${id}`)
    yield* Effect.yieldNow
    yield* Effect.forkDetach(Effect.logTrace(`forked ${id}`), { startImmediately: true })
    yield* Effect.logDebug(`end ${id}`, { status: "about to" }).pipe(Effect.withSpan("within"))
    if (as === "defect") return yield* Effect.die(new Error("broken"))
    if (as === "full") return yield* new Full({ message: "no room" })
    return "done"
  })

const layer = (settings: Partial<Values>, group: typeof HttpApiBuilder.group) =>
  Server.layer(Api).pipe(
    Layer.provide(group(Api, "things", (handlers) => handlers.handleAll({ fast: handle, slow: handle }))),
    Layer.provideMerge(Microservice.MicroserviceMemory),
    Layer.provideMerge(Layer.succeed(Settings, {
      ...Result.getOrThrow(resolve({ flags: {}, env: {} })),
      host: "127.0.0.1",
      port: 0,
      ...settings
    }))
  )

const requested = (path: string, as: string, id: string) =>
  Effect.flatMap(Server.Server, ({ url }) =>
    Effect.promise(async () => {
      const init = { method: "POST", body: `"x"`, headers: { "content-type": "application/json" } }
      const response = await fetch(`${url}${path}?as=${as}&id=${id}`, path === "/slow" ? init : {})
      await response.text()
      return response.status
    }))

interface Line {
  readonly level: string
  readonly message: string
  readonly buffered?: boolean
  readonly trace_id?: string
}

const lines = Effect.map(
  LogSink.LogSinkMemory,
  ({ events }) =>
    events.map(({ line }) => JSON.parse(line) as Line).filter(({ message }) => !/^(draining|.*ready)/.test(message))
)

const shown = (all: ReadonlyArray<Line>) =>
  all.map(({ buffered = false, level, message }) => `${level} ${message}${buffered ? " (buffered)" : ""}`)

describe("lines of a request below the log level", () => {
  for (const group of [Microservice.group, HttpApiBuilder.group]) {
    for (const path of ["/fast", "/slow"]) {
      const operation = `${path === "/fast" ? "GET" : "POST"} ${path}`
      it.live(`come before its error when ${operation} of ${group === Microservice.group ? "ours" : "Effect's"} breaks, and never else`, () =>
        Effect.gen(function*() {
          assert.strictEqual(yield* requested(path, "success", "a"), 200)
          assert.strictEqual(yield* requested(path, "defect", "b"), 500)
          assert.strictEqual(yield* requested(path, "full", "c"), 507)
          assert.strictEqual(yield* requested(path, "nonsense", "d"), 400)
          const kept = (id: string) => [
            `DEBUG begin ${id} (buffered)`,
            `TRACE forked ${id} (buffered)`,
            `DEBUG end ${id} (buffered)`
          ]
          const all = yield* lines
          assert.deepStrictEqual(shown(all), [
            "INFO info a",
            `INFO ${operation} 200`,
            "INFO info b",
            ...kept("b"),
            `ERROR ${operation} failed`,
            `ERROR ${operation} 500`,
            "INFO info c",
            ...kept("c"),
            `ERROR ${operation} 507`,
            `INFO ${operation} 400`
          ])
          assert.strictEqual(new Set(all.slice(2, 8).map((line) => line.trace_id)).size, 1)
        }).pipe(Effect.provide(layer({ debugBuffer: true }, group))))
    }
  }

  it.live("are not kept unless told so", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* requested("/fast", "defect", "a"), 500)
      assert.deepStrictEqual(shown(yield* lines), ["INFO info a", "ERROR GET /fast failed", "ERROR GET /fast 500"])
    }).pipe(Effect.provide(layer({}, Microservice.group))))

  it.live("are logged at once while the level is lowered for the operation, and kept again afterwards", () =>
    Effect.gen(function*() {
      const levels = yield* LogLevels
      const lasting = Duration.minutes(1)
      yield* levels.apply({ level: "Debug", name: "things.fast", lasting }, "::1")
      yield* requested("/fast", "success", "a")
      yield* levels.apply({ level: undefined, name: undefined, lasting }, "::1")
      yield* requested("/fast", "defect", "b")
      assert.deepStrictEqual(shown(yield* lines).slice(0, 6), [
        "DEBUG begin a",
        "INFO info a",
        "DEBUG end a",
        "INFO GET /fast 200",
        "INFO info b",
        "DEBUG begin b (buffered)"
      ])
    }).pipe(Effect.provide(layer({ debugBuffer: true }, Microservice.group))))

  it.live("belong to their own request, however many run at a time", () =>
    Effect.gen(function*() {
      yield* Effect.forEach(
        Array.from({ length: 40 }, (_, index) => index),
        (index) =>
          requested(index % 2 === 0 ? "/fast" : "/slow", index % 10 === 0 ? "defect" : "success", String(index)),
        { concurrency: "unbounded" }
      )
      const kept = (yield* lines).filter(({ buffered }) => buffered === true).map(({ message }) => message)
      const failed = [0, 10, 20, 30].flatMap((id) => [`begin ${id}`, `forked ${id}`, `end ${id}`])
      assert.deepStrictEqual([...kept].sort(), failed.sort())
    }).pipe(Effect.provide(layer({ debugBuffer: true }, Microservice.group))))
})
