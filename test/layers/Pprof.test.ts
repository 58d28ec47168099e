import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer, Result } from "effect"
import { request } from "node:http"
import { syncBuiltinESMExports } from "node:module"
import { gunzipSync } from "node:zlib"
import { Profile } from "pprof-format"
import * as Admin from "../../src/layers/Admin.ts"
import * as FiberRegistry from "../../src/layers/FiberRegistry.ts"
import { MicroserviceMemory } from "../../src/layers/Microservice.ts"
import * as Profiler from "../../src/layers/Profiler.ts"
import type { Values } from "../../src/services/SettingDefinitions.ts"
import { resolve, Settings } from "../../src/services/Settings.ts"

const settings: Values = { ...Result.getOrThrow(resolve({ flags: {}, env: {} })), adminPort: 0 }

const layer = Admin.layer.pipe(
  Layer.provideMerge(MicroserviceMemory),
  Layer.provideMerge(Layer.mergeAll(Layer.succeed(Settings, settings), FiberRegistry.layer({ list: true })))
)

interface Answer {
  readonly status: number | undefined
  readonly headers: Record<string, unknown>
  readonly body: Buffer
}

const ask = (path: string) =>
  Effect.flatMap(Admin.Admin, ({ url }) =>
    Effect.promise(() =>
      new Promise<Answer>((resolve, reject) => {
        request(`${url}/debug/pprof${path}`, (response) => {
          const chunks: Array<Buffer> = []
          response.on("data", (data: Buffer) => chunks.push(data))
          response.on(
            "end",
            () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) })
          )
        }).on("error", reject).end()
      })
    ))

const run = <A, E>(effect: Effect.Effect<A, E, Admin.Admin>) => effect.pipe(Effect.scoped, Effect.provide(layer))

/** What Go's handlers answer, as recorded from one: status, content type, attachment or text. */
const answers: ReadonlyArray<readonly [path: string, status: number, type: string, said: string]> = [
  ["/cmdline", 200, "text/plain; charset=utf-8", ""],
  ["/symbol", 200, "text/plain; charset=utf-8", "num_symbols: 0\n"],
  ["/symbol?0x1", 200, "text/plain; charset=utf-8", "num_symbols: 0\n"],
  ["/goroutine", 200, "application/octet-stream", `attachment; filename="goroutine"`],
  ["/goroutine?debug=0", 200, "application/octet-stream", `attachment; filename="goroutine"`],
  ["/goroutine?debug=1", 200, "text/plain; charset=utf-8", "goroutine profile: total "],
  ["/goroutine?debug=2", 200, "text/plain; charset=utf-8", "goroutine "],
  ["/goroutine?seconds=1", 200, "application/octet-stream", `attachment; filename="goroutine-delta"`],
  ["/block", 200, "application/octet-stream", `attachment; filename="block"`],
  ["/block?debug=1", 200, "text/plain; charset=utf-8", "--- contention:\ncycles/second="],
  ["/mutex", 200, "application/octet-stream", `attachment; filename="mutex"`],
  ["/mutex?debug=1", 200, "text/plain; charset=utf-8", "--- mutex:\ncycles/second="],
  ["/threadcreate", 200, "application/octet-stream", `attachment; filename="threadcreate"`],
  ["/threadcreate?debug=1", 200, "text/plain; charset=utf-8", "threadcreate profile: total "],
  ["/heap?seconds=1", 200, "application/octet-stream", `attachment; filename="heap-delta"`],
  ["/allocs?seconds=1", 200, "application/octet-stream", `attachment; filename="allocs-delta"`],
  ["/profile?seconds=1", 200, "application/octet-stream", `attachment; filename="profile"`],
  ["/heap?seconds=abc", 400, "text/plain; charset=utf-8", `invalid value for "seconds" - must be a positive integer\n`],
  ["/heap?seconds=0", 400, "text/plain; charset=utf-8", `invalid value for "seconds" - must be a positive integer\n`],
  ["/heap?seconds=-1", 400, "text/plain; charset=utf-8", `invalid value for "seconds" - must be a positive integer\n`],
  ["/heap?seconds=1.5", 400, "text/plain; charset=utf-8", `invalid value for "seconds" - must be a positive integer\n`],
  ["/heap?seconds=1&debug=1", 400, "text/plain; charset=utf-8", "seconds and debug params are incompatible\n"],
  ["/heap?seconds=121", 400, "text/plain; charset=utf-8", "profile duration exceeds server's WriteTimeout\n"],
  ["/profile?seconds=121", 400, "text/plain; charset=utf-8", "profile duration exceeds server's WriteTimeout\n"],
  ["/nosuch", 404, "text/plain; charset=utf-8", "Unknown profile\n"],
  ["/profile/", 404, "text/plain; charset=utf-8", "Unknown profile\n"],
  ["/", 200, "text/html; charset=utf-8", "/debug/pprof/"]
]

describe("/debug/pprof/", () => {
  it.live("answers as Go does", () =>
    run(Effect.gen(function*() {
      for (const [path, status, type, said] of answers) {
        const { body, headers, status: actual } = yield* ask(path)
        assert.deepStrictEqual([path, actual, headers["content-type"]], [path, status, type])
        assert.strictEqual(headers["x-content-type-options"], "nosniff", path)
        assert.strictEqual(headers["x-go-pprof"], status === 200 ? undefined : "1", path)
        if (type === "application/octet-stream") assert.strictEqual(headers["content-disposition"], said, path)
        else if (status === 200) assert.include(body.toString(), said, path)
        else assert.strictEqual(body.toString(), said, path)
        if (type === "application/octet-stream") Profile.decode(gunzipSync(body))
      }
      const { headers, status } = yield* ask("")
      assert.deepStrictEqual([status, headers["location"]], [301, "/debug/pprof/"])
    })))

  it.live("is posted the addresses of a text, as pprof does without a header of ours, but not by other sites", () =>
    run(Effect.gen(function*() {
      const { url } = yield* Admin.Admin
      const post = (headers: Record<string, string> = {}) =>
        Effect.promise(() => fetch(`${url}/debug/pprof/symbol`, { method: "POST", body: "0x1+0x2", headers }))
      const answer = yield* post()
      assert.strictEqual(answer.status, 200)
      assert.strictEqual(yield* Effect.promise(() => answer.text()), "num_symbols: 0\n")
      assert.strictEqual((yield* post({ "sec-fetch-site": "cross-site" })).status, 403)
    })))

  it.live(
    "takes one capture of a kind at a time, and lets go of it when the client leaves",
    () =>
      run(Effect.gen(function*() {
        const { url } = yield* Admin.Admin
        const controllers = ["profile", "heap"].map((name) => {
          const controller = new AbortController()
          void fetch(`${url}/debug/pprof/${name}?seconds=60`, { signal: controller.signal }).catch(() => {})
          return controller
        })
        const refused = (path: string) => Effect.map(ask(path), ({ status }) => status === 500)
        const until = (path: string, expected: boolean): Effect.Effect<void, never, Admin.Admin> =>
          Effect.flatMap(refused(path), (found) => found === expected ? Effect.void : until(path, expected))
        yield* until("/profile?seconds=1", true)
        yield* until("/allocs?seconds=1", true)
        const { body, headers } = yield* ask("/profile?seconds=1")
        assert.strictEqual(body.toString(), "Could not enable CPU profiling: cpu profiling already in use\n")
        assert.strictEqual(headers["x-go-pprof"], "1")
        assert.strictEqual((yield* Effect.promise(() => fetch(`${url}/livez`))).status, 404)
        for (const controller of controllers) controller.abort()
        yield* until("/profile?seconds=1", false)
        yield* until("/allocs?seconds=1", false)
      })),
    30_000
  )

  it.live("refuses to stop a process with a large heap, unless told to", () =>
    run(Effect.gen(function*() {
      const v8 = process.getBuiltinModule("node:v8")
      const { getHeapStatistics } = v8
      v8.getHeapStatistics = () => ({ ...getHeapStatistics(), used_heap_size: 800 * 2 ** 20 })
      syncBuiltinESMExports()
      yield* Effect.gen(function*() {
        for (const path of ["/profile?seconds=1", "/heap?seconds=1", "/allocs?seconds=1"]) {
          const { body, status } = yield* ask(path)
          assert.deepStrictEqual([status, /800 MiB.*800 ms.*force=1/.test(body.toString())], [503, true])
          assert.strictEqual((yield* ask(`${path}&force=1`)).status, 200)
        }
      }).pipe(Effect.ensuring(Effect.sync(() => {
        v8.getHeapStatistics = getHeapStatistics
        syncBuiltinESMExports()
      })))
    })))

  it.live("shows no argument's value", () =>
    run(Effect.gen(function*() {
      const given = process.argv
      process.argv = ["node", "main.js", "serve", "--token=hunter2", "--key", "hunter2", "hunter2"]
      const { body } = yield* Effect.ensuring(
        ask("/cmdline"),
        Effect.sync(() => {
          process.argv = given
        })
      )
      assert.strictEqual(
        body.toString(),
        ["node", "main.js", "serve", "--token=<redacted>", "--key", "<redacted>", "<redacted>"].join("\0")
      )
    })))
})

describe("sampling the heap from the start", () => {
  it.live("goes on after allocations were profiled, and ends with its scope", () =>
    Effect.gen(function*() {
      yield* Effect.scoped(Effect.gen(function*() {
        yield* Profiler.sampleHeap
        const kept = Array.from({ length: 200 }, () => Array.from({ length: 20_000 }, () => 1.5))
        const duration = Duration.millis(1)
        const { after, before } = yield* Profiler.heap({ duration, force: true })
        assert.isDefined(before)
        assert.isAbove(after.samples.length, 10)
        yield* Profiler.allocs({ duration, force: true })
        const again = Array.from({ length: 200 }, () => Array.from({ length: 20_000 }, () => 1.5))
        const { after: anew } = yield* Profiler.heap({ duration, force: true })
        assert.isAbove(anew.samples.length, 10)
        assert.strictEqual(kept.length, again.length)
        assert.isTrue(Profiler.isSamplingHeap())
      }))
      assert.isFalse(Profiler.isSamplingHeap())
    }))

  it.live("says since when the heap is known once allocations were profiled", () =>
    run(Effect.scoped(Effect.gen(function*() {
      const said = Effect.gen(function*() {
        const { comment, stringTable } = Profile.decode(gunzipSync((yield* ask("/heap")).body))
        const [, line] = (yield* ask("/heap?debug=1")).body.toString().split("\n")
        return [comment.map((index) => `# ${stringTable.strings[Number(index)]}`), line?.startsWith("# ") ? [line] : []]
      })
      yield* Profiler.sampleHeap
      assert.deepStrictEqual(yield* said, [[], []])
      yield* ask("/allocs?seconds=1")
      const [binary, text] = yield* said
      assert.match(
        binary?.join() ?? "",
        /^# of what was allocated since 2\d{3}-[\d-]+T[\d:.]+Z, when allocs was taken$/
      )
      assert.deepStrictEqual(text, binary)
    }))))
})
