import { assert, describe, it } from "@effect/vitest"
import type { Metric } from "effect"
import * as History from "../../src/services/History.ts"

const counter = (id: string, count: number, attributes?: Record<string, string>): Metric.Metric.Snapshot => ({
  id,
  type: "Counter",
  description: undefined,
  attributes,
  state: { count, incremental: true }
})

const gauge = (id: string, value: number): Metric.Metric.Snapshot => ({
  id,
  type: "Gauge",
  description: undefined,
  attributes: undefined,
  state: { value }
})

const duration = (operation: string, count: number): Metric.Metric.Snapshot => ({
  id: History.durationMetric,
  type: "Histogram",
  description: undefined,
  attributes: { operation, http_request_method: "GET", http_response_status_code: "200" },
  state: { buckets: [[1, count]], count, min: 0.5, max: 0.5, sum: count / 2 }
})

const keyed = (...series: ReadonlyArray<Metric.Metric.Snapshot>) =>
  series.map((series) => [`${series.id}${JSON.stringify(series.attributes)}`, series] as const)

const idle = { loop: 0.1, delay: 0.2, cpu: 0.3, heap: 4, rss: 5, gc: 0.6 }

describe("the history of the metrics", () => {
  it("has the increases of counters and the values of gauges, in the order of intervals", () => {
    const recorder = History.makeRecorder()
    recorder.read(keyed(counter("n", 100, { b: "2", a: "1" }), gauge("g", 7)))
    recorder.turn(idle)
    recorder.read(keyed(counter("n", 103, { b: "2", a: "1" }), gauge("g", 8)))
    recorder.read(keyed(counter("n", 105, { b: "2", a: "1" }), gauge("g", 9)))
    recorder.turn(idle)
    const { series } = recorder.view(0)
    assert.deepStrictEqual(series("n", { a: "1", b: "2" }), [100, 5])
    assert.deepStrictEqual(series("g", {}), [7, 9])
    assert.isUndefined(series("n", {}))
  })

  it("counts what a series that is new has, and forgets one that is gone", () => {
    const recorder = History.makeRecorder()
    recorder.read([])
    recorder.turn(idle)
    recorder.read(keyed(counter("late", 3)))
    recorder.turn(idle)
    assert.deepStrictEqual(recorder.view(0).series("late", {}), [0, 3])
    recorder.read([])
    assert.isUndefined(recorder.view(0).series("late", {}))
  })

  it("has what operations did, at once, and per second over the time it knows", () => {
    const recorder = History.makeRecorder()
    recorder.read(keyed(duration("a", 10)))
    assert.deepInclude(recorder.view(2).operations[0], { operation: "a", method: "GET", answers: 10, perSecond: 5 })
    for (let interval = 0; interval < 70; interval++) recorder.turn(idle)
    recorder.read(keyed(duration("a", 12)))
    const { operations, seconds } = recorder.view(2)
    assert.strictEqual(seconds, 302)
    assert.deepInclude(operations[0], { answers: 2, perSecond: 2 / 302 })
  })

  it("has the vital signs", () => {
    const recorder = History.makeRecorder()
    recorder.turn(idle)
    recorder.turn({ ...idle, heap: 8 })
    assert.deepStrictEqual(recorder.view(0).vitals.heap, [4, 8])
    assert.deepStrictEqual(recorder.view(0).vitals.rss, [5, 5])
  })

  it("keeps no more series and operations than it may", () => {
    const recorder = History.makeRecorder()
    const many = Array.from({ length: 2000 }, (_, index) => [counter(`n${index}`, 1), duration(`o${index}`, 1)]).flat()
    recorder.read(keyed(...many))
    const { operations, series } = recorder.view(0)
    assert.strictEqual(operations.length, History.limits.operations)
    assert.isDefined(series("n0", {}))
    assert.isUndefined(series("n1999", {}))
  })
})
