import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Metric } from "effect"
import { boundaries, fineBoundaries, HttpMetrics, layer } from "../../src/services/HttpMetrics.ts"

const isolated = Layer.provideMerge(layer, Layer.sync(Metric.MetricRegistry, () => new Map()))

const series = Effect.map(
  Metric.snapshot,
  (snapshot) =>
    new Map<string, unknown>(
      snapshot.map(({ attributes, id, state }) => [`${id}${JSON.stringify(attributes)}`, state])
    )
)

const active = `http_server_active_requests{"operation":"greetings.greet"}`

describe("HttpMetrics", () => {
  it.effect("counts and times answers by operation, method and status", () =>
    Effect.gen(function*() {
      const { bind } = yield* HttpMetrics
      const greet = bind("greetings.greet", "GET", "/greetings/:name")
      for (const [status, seconds] of [[200, 0.004], [200, 11], [500, 0.2]] as const) {
        greet.started()
        greet.finished(status, seconds)
      }
      const all = yield* series
      const of = (status: string) =>
        JSON.stringify({
          operation: "greetings.greet",
          http_request_method: "GET",
          http_route: "/greetings/:name",
          http_response_status_code: status
        })
      assert.deepStrictEqual(all.get(`http_server_requests_total${of("200")}`), { count: 2, incremental: true })
      assert.deepStrictEqual(all.get(`http_server_requests_total${of("500")}`), { count: 1, incremental: true })
      assert.deepStrictEqual(all.get(`http_server_request_duration_seconds${of("500")}`), {
        buckets: fineBoundaries.map((bound) => [bound, bound >= 0.2 ? 1 : 0]),
        count: 1,
        min: 0.2,
        max: 0.2,
        sum: 0.2
      })
      assert.deepInclude(all.get(`http_server_request_duration_seconds${of("200")}`), { count: 2, max: 11 })
    }).pipe(Effect.provide(isolated)))

  it("records finer bounds than OpenTelemetry's, and each of these", () => {
    for (const bound of boundaries) assert.include(fineBoundaries, bound)
    assert.deepStrictEqual([fineBoundaries[0], fineBoundaries.at(-1)], [0.000_01, 60])
    for (const [index, bound] of fineBoundaries.slice(1).entries()) {
      assert.isAtMost(bound / (fineBoundaries[index] ?? 0), 1.1)
    }
  })

  it.effect("follows the requests under way of an operation, however often it is bound", () =>
    Effect.gen(function*() {
      const { bind } = yield* HttpMetrics
      const get = bind("greetings.greet", "GET")
      const post = bind("greetings.greet", "POST")
      get.started()
      get.started()
      post.started()
      bind("greetings.other", "GET").started()
      assert.deepStrictEqual((yield* series).get(active), { value: 3 })
      get.finished(200, 0.1)
      post.finished(200, 0.1)
      assert.deepStrictEqual((yield* series).get(active), { value: 1 })
    }).pipe(Effect.provide(isolated)))

  it.effect("counts what is bound twice in one series", () =>
    Effect.gen(function*() {
      const { bind } = yield* HttpMetrics
      for (const bound of [bind("a", "GET", "/a"), bind("a", "GET", "/a")]) {
        bound.started()
        bound.finished(200, 0.1)
      }
      const all = yield* series
      const counts = [...all].filter(([key]) => key.startsWith("http_server_requests_total")).map(([, state]) => state)
      assert.deepStrictEqual(counts, [{ count: 2, incremental: true }])
    }).pipe(Effect.provide(isolated)))

  it.effect("lists no operation that was never called", () =>
    Effect.gen(function*() {
      const { bind } = yield* HttpMetrics
      bind("greetings.greet", "GET")
      assert.strictEqual((yield* series).size, 0)
    }).pipe(Effect.provide(isolated)))

  it.effect("keeps apart the registries of two services in one process", () =>
    Effect.gen(function*() {
      yield* Effect.provide(
        Effect.map(HttpMetrics, ({ bind }) => bind("a", "GET").finished(200, 1)),
        Layer.fresh(isolated)
      )
      assert.strictEqual((yield* series).size, 0)
    }).pipe(Effect.provide(isolated)))
})
