import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { HttpServerRequest } from "effect/http"
import { syncBuiltinESMExports } from "node:module"
import { Readable } from "node:stream"
import { respond } from "../../src/layers/HeapSnapshot.ts"

const asked = (query = "", method = "GET") =>
  respond(HttpServerRequest.fromWeb(new Request(`http://localhost/debug/heapsnapshot${query}`, { method })))

const mebibyte = 2 ** 20

/** A process of that heap and that much memory left, whose snapshot is one word. */
const pretending = <A, E>(heap: number, left: number, effect: Effect.Effect<A, E>) => {
  const v8 = process.getBuiltinModule("node:v8")
  const node = process.getBuiltinModule("node:process")
  const { getHeapSnapshot, getHeapStatistics } = v8
  const { availableMemory } = node
  let taken = 0
  return Effect.acquireUseRelease(
    Effect.sync(() => {
      v8.getHeapStatistics = () => ({ ...getHeapStatistics(), used_heap_size: heap * mebibyte })
      v8.getHeapSnapshot = () => {
        taken++
        return Readable.from(["snapshot"])
      }
      node.availableMemory = () => left * mebibyte
      syncBuiltinESMExports()
    }),
    () => Effect.map(effect, (result) => ({ result, taken })),
    () =>
      Effect.sync(() => {
        Object.assign(v8, { getHeapStatistics, getHeapSnapshot })
        node.availableMemory = availableMemory
        syncBuiltinESMExports()
      })
  )
}

describe("a heap snapshot", () => {
  it.effect("is refused where it would stop the process for long or not fit, unless it is forced", () =>
    Effect.gen(function*() {
      for (const [heap, left] of [[129, 100_000], [100, 1199]] as const) {
        const { result, taken } = yield* pretending(heap, left, asked())
        assert.deepStrictEqual([heap, result.status, taken], [heap, 503, 0])
        const body = result.body as { readonly text?: string }
        assert.match(String(body.text), new RegExp(`${heap} MiB.*force=1`))
        assert.deepInclude(result.headers, { "cache-control": "no-store", "x-content-type-options": "nosniff" })
        assert.notProperty(result.headers, "content-disposition")
        const forced = yield* pretending(heap, left, asked("?force=1"))
        assert.deepStrictEqual([forced.result.status, forced.taken], [200, 1])
        yield* drain(forced.result)
      }
      const fits = yield* pretending(128, 1536, asked())
      assert.deepStrictEqual([fits.result.status, fits.taken], [200, 1])
      yield* drain(fits.result)
    }))

  it.effect("is not taken for a HEAD", () =>
    Effect.gen(function*() {
      const { result, taken } = yield* pretending(100, 1200, asked("", "HEAD"))
      assert.deepStrictEqual([result.status, taken], [200, 0])
    }))
})

const drain = ({ body }: { readonly body: unknown }) =>
  Effect.promise(() => {
    const stream = (body as { readonly body: Readable }).body
    stream.resume()
    return new Promise((resolve) => stream.once("close", resolve))
  })
