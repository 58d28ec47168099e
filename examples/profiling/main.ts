import { Effect, Layer, Schema } from "effect"
import { HttpApi, HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import * as Microservice from "keelson"

const Count = Schema.Struct({ count: Schema.Int })

class ProfilingApi extends HttpApi.make("profiling").add(
  HttpApiGroup.make("troubles").add(
    HttpApiEndpoint.post("spin", "/spin", { success: Count }),
    HttpApiEndpoint.post("remember", "/remember", { success: Count }),
    HttpApiEndpoint.post("watch", "/watch", { success: Count })
  )
) {}

const remembered: Array<ReadonlyArray<number>> = []

// Counts the primes below a limit, in the slowest way there is.
const countPrimes = (limit: number): number => {
  let count = 0
  for (let candidate = 2; candidate < limit; candidate++) {
    let divisor = 2
    while (candidate % divisor !== 0) divisor++
    if (divisor === candidate) count++
  }
  return count
}

const rememberForever = (size: number): number => {
  for (let index = 0; index < size; index++) remembered.push([index, index + 1, index + 2, index + 3])
  return remembered.length
}

const neverDone = Effect.fn("neverDone")(function*() {
  yield* Effect.never
})

const Handlers = Microservice.group(ProfilingApi, "troubles", (handlers) =>
  handlers.handleAll({
    spin: () => Effect.sync(() => ({ count: countPrimes(4_000) })),
    remember: () => Effect.sync(() => ({ count: rememberForever(50_000) })),
    watch: () => Effect.as(Effect.forkDetach(neverDone()), { count: 1 })
  }))

Microservice.run({
  name: "profiling",
  description: "Three troubles to find with the profiler: a hot loop, a leak of memory and one of fibers",
  api: ProfilingApi,
  handlers: Layer.mergeAll(Handlers)
})
