import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { availableMemory } from "node:process"
import { getHeapSnapshot, getHeapStatistics } from "node:v8"
import * as Refusal from "./Refusal.ts"

const mebibyte = 2 ** 20
const largestHeap = 128 * mebibyte
// Measured on a heap of small objects, the worst there is: docs/security.md.
const memoryPerHeap = 12
const secondsPerMebibyte = 0.16
const unkept = { "cache-control": "no-store", "x-content-type-options": "nosniff" }
const headers = { ...unkept, "content-disposition": `attachment; filename="keelson.heapsnapshot"` }

let underWay = false

/**
 * Streams a snapshot of the heap, for the memory panel of Chrome's tools. It holds every string in memory, secrets too.
 *
 * **Details**
 *
 * V8 walks the whole heap before the first byte, and nothing else runs meanwhile; the rest goes as fast as the client
 * reads, and nothing touches the disk. One at a time. Refused for a heap of more than 128 MiB, or when twelve times the
 * heap does not fit in the memory that is left, unless `force=1`.
 *
 * @category handlers
 * @since 1.1.0
 */
export const respond = (
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  Effect.suspend(() => {
    if (underWay) return Refusal.respond(busy)
    const { used_heap_size: used } = getHeapStatistics()
    const force = new URL(request.url, "http://localhost").searchParams.get("force") === "1"
    if (!force && (used > largestHeap || memoryPerHeap * used > availableMemory())) {
      return Refusal.respond(tooLarge(used))
    }
    if (request.method === "HEAD") return Effect.succeed(HttpServerResponse.empty({ status: 200, headers }))
    underWay = true
    const snapshot = getHeapSnapshot()
    snapshot.once("close", () => {
      underWay = false
    })
    return Effect.succeed(HttpServerResponse.raw(snapshot, { contentType: "application/octet-stream", headers }))
  })

const busy = Refusal.make(409, { _tag: "CaptureRefused", message: "A heap snapshot is being taken" }, unkept)

const tooLarge = (used: number) => {
  const size = used / mebibyte
  const message =
    `A heap of ${Math.round(size)} MiB may stop the process for ${Math.round(size * secondsPerMebibyte)} s` +
    ` and take ${Math.round(size * memoryPerHeap)} MiB more; add force=1 to do it all the same`
  return Refusal.make(503, { _tag: "CaptureRefused", message }, unkept)
}
