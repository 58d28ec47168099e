import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Result } from "effect"
import { Schema } from "effect"
import { HttpApi, HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { spawnSync } from "node:child_process"
import { readdirSync } from "node:fs"
import { url as inspectorUrl } from "node:inspector"
import * as Admin from "../src/layers/Admin.ts"
import * as HealthRoutes from "../src/layers/HealthRoutes.ts"
import * as Microservice from "../src/layers/Microservice.ts"
import * as Profiler from "../src/layers/Profiler.ts"
import * as Server from "../src/layers/Server.ts"
import { resolve, Settings } from "../src/services/Settings.ts"
import { answers, exchange } from "./utils/rawHttp.ts"

class Api extends HttpApi.make("test").add(
  HttpApiGroup.make("things").add(HttpApiEndpoint.get("thing", "/thing", { success: Schema.String }))
) {}

const handlers = Microservice.group(Api, "things", (handlers) => handlers.handle("thing", () => Effect.succeed("one")))
const service = Server.layer(Api).pipe(Layer.provide(handlers))

const settings = (flags: Record<string, string> = {}) =>
  Layer.succeed(
    Settings,
    Result.getOrThrow(resolve({ flags: { host: "127.0.0.1", port: "0", "admin-port": "0", ...flags }, env: {} }))
  )

const ask = (base: string, path: string, host = "localhost") =>
  Effect.map(
    Effect.promise(() => exchange(base, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)),
    (said) => ({ said, status: answers(said)[0]?.status })
  )

const hidden = Effect.map(
  Admin.Admin,
  ({ routes }) => routes.map(({ path }) => path.replace("*", "cmdline")).filter((path) => !HealthRoutes.paths.has(path))
)

describe("what went wrong elsewhere", () => {
  it.live("a feature that was switched off took the lock with it: here the lock is there without any of them", () =>
    Effect.gen(function*() {
      const paths = yield* hidden.pipe(
        Effect.scoped,
        Effect.provide(Admin.layer.pipe(Layer.provide(Microservice.MicroserviceMemory), Layer.provide(settings())))
      )
      assert.include(paths, "/debug/heapsnapshot")
      // Without the admin listener, nothing of it appears on the other one.
      yield* Effect.gen(function*() {
        const { url } = yield* Server.Server
        for (const path of paths) assert.strictEqual((yield* ask(url, path)).status, 404, path)
      }).pipe(
        Effect.scoped,
        Effect.provide(service.pipe(Layer.provide(Microservice.MicroserviceMemory), Layer.provide(settings())))
      )
      // Without the features that can be switched, alone on the admin listener: Host and arming are asked for.
      for (
        const flags of [{ fibers: "off" }, { "heap-sampling": "on" }, { "admin-host": "0.0.0.0" }, { "max-body": "0" }]
      ) {
        yield* Effect.gen(function*() {
          const { url } = yield* Admin.Admin
          for (const path of paths) assert.strictEqual((yield* ask(url, path, "evil.example")).status, 421, path)
          assert.strictEqual((yield* ask(url, "/debug/heapsnapshot")).status, 404)
        }).pipe(
          Effect.scoped,
          Effect.provide(
            Admin.layer.pipe(Layer.provide(Microservice.MicroserviceMemory), Layer.provide(settings(flags)))
          )
        )
      }
    }))

  it("an import registered diagnostics on whatever listens: here importing every module opens and registers nothing", () => {
    const modules = ["services", "layers"].flatMap((folder) =>
      readdirSync(new URL(`../src/${folder}`, import.meta.url)).map((file) => `./src/${folder}/${file}`)
    )
    assert.isAbove(modules.length, 80)
    const script = `
      import { createServer } from "node:http"
      const signals = () => ["SIGUSR1", "SIGUSR2", "SIGTERM"].map((name) => process.listenerCount(name)).join()
      const before = signals()
      for (const module of ${JSON.stringify(modules)}) await import(module)
      const server = createServer()
      console.log(JSON.stringify({
        resources: process.getActiveResourcesInfo().filter((name) => name !== "PipeWrap"),
        listeners: server.listenerCount("request"),
        signals: signals() === before
      }))`
    const { stderr, stdout } = spawnSync(process.execPath, ["--input-type=module", "--eval", script], {
      cwd: new URL("..", import.meta.url).pathname,
      encoding: "utf8"
    })
    assert.deepStrictEqual([stderr, JSON.parse(stdout)], ["", { resources: [], listeners: 0, signals: true }])
  })

  it.live("a page about the service published its secrets: here no path tells the environment or an argument", () =>
    Effect.gen(function*() {
      const { url } = yield* Admin.Admin
      const given = process.argv
      process.env["KEELSON_TEST_TOKEN"] = "hunter2"
      process.argv = [...given, "--token=hunter2", "--password", "hunter2"]
      yield* Effect.gen(function*() {
        for (
          const path of [...yield* hidden, "/health", "/version", "/debug/pprof/", "/debug/pprof/goroutine?debug=2"]
        ) {
          const { said, status } = yield* ask(url, path.includes("?") ? path : `${path}?seconds=1`)
          assert.isDefined(status, path)
          assert.notInclude(said, "hunter2", path)
        }
      }).pipe(Effect.ensuring(Effect.sync(() => {
        delete process.env["KEELSON_TEST_TOKEN"]
        process.argv = given
      })))
    }).pipe(
      Effect.scoped,
      Effect.provide(Admin.layer.pipe(Layer.provide(Microservice.MicroserviceMemory), Layer.provide(settings())))
    ))

  it.live("powerful diagnostics were on by default: here nothing dumps memory, samples it or opens the inspector", () =>
    Effect.gen(function*() {
      const { url } = yield* Admin.Admin
      assert.strictEqual((yield* ask(url, "/debug/heapsnapshot")).status, 404)
      assert.isFalse(Profiler.isSamplingHeap())
      assert.isUndefined(inspectorUrl())
      const { adminHost, heapSampling } = yield* Settings
      assert.deepStrictEqual([adminHost, heapSampling], ["127.0.0.1", false])
    }).pipe(
      Effect.scoped,
      Effect.provide(Admin.layer.pipe(Layer.provide(Microservice.MicroserviceMemory), Layer.provideMerge(settings())))
    ))
})
