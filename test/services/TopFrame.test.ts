import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Metric } from "effect"
import * as HttpMetrics from "../../src/services/HttpMetrics.ts"
import { parse } from "../../src/services/PrometheusSamples.ts"
import { render } from "../../src/services/PrometheusText.ts"
import { make, quantile, type Scrape } from "../../src/services/TopFrame.ts"

const scrape = (at: number, text: string): Scrape => ({ at, samples: parse(text), health: undefined, accounts: [] })

const counters = (cpu: number, minor: number, major: number) =>
  `process_cpu_seconds_total ${cpu}\nnodejs_gc_runs_total{kind="minor"} ${minor}\nnodejs_gc_runs_total{kind="major"} ${major}\n`

describe("what happened between two scrapes", () => {
  it("is a rate by the time between them, by that since the start for the first, and from zero after a restart", () => {
    const first = scrape(1000, `${counters(10, 6, 4)}process_uptime_seconds 20\n`)
    const second = scrape(3000, counters(11, 10, 4))
    const restarted = scrape(4000, counters(0.5, 1, 0))
    const of = (before: Scrape | undefined, now: Scrape) => {
      const { cpuCores, gcPerSecond } = make(before, now).process
      return [cpuCores, gcPerSecond]
    }
    assert.deepStrictEqual(of(undefined, first), [0.5, 0.5])
    assert.deepStrictEqual(of(first, second), [0.5, 2])
    assert.deepStrictEqual(of(second, restarted), [0.5, 1])
  })

  it("has nothing of what the service does not tell", () => {
    const { accounts, operations, process } = make(undefined, scrape(0, ""))
    assert.deepStrictEqual([accounts, operations], [[], []])
    assert.isTrue(Object.values(process).every((value) => value === undefined))
  })

  it.effect("has the operations by rate, with errors, percentiles and what is under way, the admin's own last", () =>
    Effect.gen(function*() {
      const { bind } = yield* HttpMetrics.HttpMetrics
      const context = yield* Effect.context<never>()
      const take = (at: number) => scrape(at, render(Metric.snapshotUnsafe(context), "prometheus"))
      const answer = (operation: string, status: number, seconds: number, times: number) => {
        const bound = bind(operation, "GET", "/")
        for (let time = 0; time < times; time++) {
          bound.started()
          bound.finished(status, seconds)
        }
      }
      answer("orders.get", 200, 0.003, 50)
      const before = take(0)
      answer("orders.get", 200, 0.003, 90)
      answer("orders.get", 503, 0.3, 10)
      answer("stock.get", 404, 0.06, 10)
      answer("admin/metrics", 200, 0.001, 1000)
      bind("stock.get", "GET", "/").started()
      const rows = make(before, take(2000)).operations
      assert.deepStrictEqual(
        rows.map((
          { errorsPerSecond, inFlight, operation, perSecond }
        ) => [operation, perSecond, errorsPerSecond, inFlight]),
        [["orders.get", 50, 5, 0], ["stock.get", 5, 0, 1], ["admin/metrics", 500, 0, 0]]
      )
      const [orders, stock] = rows
      assert.isAtMost(orders?.p50 ?? 1, 0.005)
      assert.isAbove(orders?.p99 ?? 0, 0.25)
      assert.isAtMost(orders?.p99 ?? 1, 0.5)
      assert.isAbove(stock?.p50 ?? 0, 0.05)
      assert.isAtMost(stock?.p99 ?? 1, 0.075)
    }).pipe(Effect.provide(Layer.provideMerge(HttpMetrics.layer, Layer.succeed(Metric.MetricRegistry, new Map())))))
})

describe("a quantile of buckets", () => {
  it("is linear within a bucket and at most the highest bound", () => {
    const buckets = new Map([[Infinity, 11], [1, 0], [2, 10]])
    assert.deepStrictEqual([quantile(buckets, 5 / 11), quantile(buckets, 1)], [1.5, 2])
    assert.isUndefined(quantile(new Map([[1, 0], [Infinity, 0]]), 0.5))
    assert.isUndefined(quantile(new Map(), 0.5))
  })
})
