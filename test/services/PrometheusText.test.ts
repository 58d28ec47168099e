import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Context, Effect, Metric, Schema } from "effect"
import { spawnSync } from "node:child_process"
import { parse } from "../../src/services/PrometheusSamples.ts"
import { accepted, type Format, render } from "../../src/services/PrometheusText.ts"

const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000)
const promtool = spawnSync("promtool", ["--version"]).error === undefined

const registry = () => Context.make(Metric.MetricRegistry, new Map())

const text = (context: Context.Context<never>, format: Format = "prometheus") =>
  render(Metric.snapshotUnsafe(context), format)

const update = <Input>(context: Context.Context<never>, metric: Metric.Metric<Input, any>, ...values: Array<Input>) => {
  for (const value of values) metric.updateUnsafe(value, context)
}

const everything = () => {
  const context = registry()
  update(context, Metric.counter("orders", { description: "Orders \\ of\n\"all\"", incremental: true }), 2, 3)
  update(context, Metric.counter("balance", { description: "May fall" }), -2)
  update(context, Metric.gauge("queue_bytes", { description: "Queue" }), 1.5)
  update(context, Metric.gauge("big", { description: "Big", bigint: true }), 2n ** 60n)
  update(context, Metric.frequency("kinds", { description: "Kinds" }), "a", "b", "a")
  const timed = { description: "Time", boundaries: [0.5, 1], attributes: { "http.route": "/a", le: "x" } }
  update(context, Metric.histogram("latency_seconds", timed), 0.1, 0.7, 9)
  const quantiles = { description: "Sizes", maxAge: "1 minute", maxSize: 10, quantiles: [0.5] } as const
  update(context, Metric.summary("sizes_bytes", quantiles), 4)
  return context
}

describe("metrics as Prometheus text", () => {
  it("have help, type and samples, whatever the kind", () => {
    assert.strictEqual(
      text(everything()),
      String.raw`# HELP orders_total Orders \\ of\n"all"
# TYPE orders_total counter
orders_total 5
# HELP balance May fall
# TYPE balance gauge
balance -2
# HELP queue_bytes Queue
# TYPE queue_bytes gauge
queue_bytes 1.5
# HELP big Big
# TYPE big gauge
big 1152921504606846976
# HELP kinds_total Kinds
# TYPE kinds_total counter
kinds_total{key="a"} 2
kinds_total{key="b"} 1
# HELP latency_seconds Time
# TYPE latency_seconds histogram
latency_seconds_bucket{http_route="/a",exported_le="x",le="0.5"} 1
latency_seconds_bucket{http_route="/a",exported_le="x",le="1"} 2
latency_seconds_bucket{http_route="/a",exported_le="x",le="+Inf"} 3
latency_seconds_sum{http_route="/a",exported_le="x"} 9.8
latency_seconds_count{http_route="/a",exported_le="x"} 3
# HELP sizes_bytes Sizes
# TYPE sizes_bytes summary
sizes_bytes{quantile="0.5"} 4
sizes_bytes_sum 4
sizes_bytes_count 1
`
    )
  })

  it("are OpenMetrics where that is asked for", () => {
    const lines = text(everything(), "openmetrics").split("\n")
    assert.includeMembers(lines, [
      String.raw`# HELP orders Orders \\ of\n\"all\"`,
      "# TYPE orders counter",
      "orders_total 5",
      "# UNIT latency_seconds seconds",
      `latency_seconds_bucket{http_route="/a",exported_le="x",le="1.0"} 2`
    ])
    assert.deepStrictEqual(lines.slice(-2), ["# EOF", ""])
    assert.strictEqual(
      accepted("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3"),
      "openmetrics"
    )
    for (const other of [undefined, "*/*", "text/plain", "text/plain, application/openmetrics-text"]) {
      assert.strictEqual(accepted(other), "prometheus")
    }
  })

  it("leave out what Prometheus would refuse the whole text for", () => {
    const context = registry()
    update(context, Metric.gauge("a.b"), 1)
    update(context, Metric.gauge("a-b"), 2)
    update(context, Metric.counter("a_b", { incremental: true }), 3)
    update(context, Metric.gauge("c", { attributes: { "x-y": "1", "x.y": "2" } }), 4)
    update(context, Metric.gauge("c", { attributes: { x_y: "1" } }), 5)
    assert.deepStrictEqual(parse(text(context)).map(({ labels, name, value }) => [name, labels, value]), [
      ["a_b", {}, 1],
      ["c", { x_y: "1" }, 4]
    ])
  })

  it("have no name, series or bucket twice, whatever kinds of metrics come to it", () => {
    const written = (...metrics: ReadonlyArray<Metric.Metric<any, any>>) => {
      const context = registry()
      for (const metric of metrics) update(context, metric, metric.type === "Frequency" ? "w" : 1)
      return (["prometheus", "openmetrics"] as const).map((format) =>
        text(context, format).split("\n").filter((line) => line !== "" && !line.startsWith("#"))
      )
    }
    const both = (...lines: ReadonlyArray<string>) => [lines, lines]
    const growing = (name: string, attributes: Record<string, string> = {}) =>
      Metric.counter(name, { incremental: true, attributes })

    assert.deepStrictEqual(written(growing("orders"), Metric.gauge("orders_total")), both("orders_total 1"))
    assert.deepStrictEqual(written(Metric.gauge("orders_total"), growing("orders")), both("orders_total 1"))
    assert.deepStrictEqual(written(growing("e_total", { a: "" }), growing("e_total")), both("e_total 1"))
    assert.deepStrictEqual(
      written(growing("n_total", { a: "1" }), Metric.counter("n_total", { attributes: { a: "2" } })),
      both(`n_total{a="1"} 1`)
    )
    assert.deepStrictEqual(written(Metric.frequency("a.b"), Metric.frequency("a-b")), both(`a_b_total{key="w"} 1`))
    assert.deepStrictEqual(
      written(Metric.frequency("f", { description: "A" }), Metric.frequency("f", { description: "B" })),
      both(`f_total{key="w"} 1`)
    )
    assert.deepStrictEqual(written(growing("x", { key: "w" }), Metric.frequency("x")), both(`x_total{key="w"} 1`))
    for (const part of ["bucket", "sum", "count"]) {
      const [lines] = written(Metric.histogram("q", { boundaries: [1] }), Metric.gauge(`q_${part}`))
      assert.deepStrictEqual(lines, [`q_bucket{le="1"} 1`, `q_bucket{le="+Inf"} 1`, "q_sum 1", "q_count 1"])
      assert.deepStrictEqual(
        written(Metric.gauge(`q_${part}`), Metric.histogram("q", { boundaries: [1] })),
        both(`q_${part} 1`)
      )
    }
    assert.deepStrictEqual(written(Metric.histogram("d", { boundaries: [1, 1, 2] }))[0], [
      `d_bucket{le="1"} 1`,
      `d_bucket{le="2"} 1`,
      `d_bucket{le="+Inf"} 1`,
      "d_sum 1",
      "d_count 1"
    ])
    const quantiles = [0.5, 0.5]
    const [summary] = written(Metric.summary("s", { maxAge: "1 minute", maxSize: 9, quantiles }))
    assert.deepStrictEqual(summary, [`s{quantile="0.5"} 1`, "s_sum 1", "s_count 1"])
  })

  it("are NaN where a gauge holds no number", () => {
    const context = registry()
    for (const [index, value] of [undefined, null, "abc", {}].entries()) {
      update(context, Metric.gauge(`g${index}`), value as unknown as number)
    }
    assert.deepStrictEqual(parse(text(context)).map(({ value }) => value), [NaN, NaN, NaN, NaN])
  })

  it.runIf(promtool || process.env["CI"] !== undefined)("are accepted by promtool without a complaint", () => {
    const context = registry()
    update(
      context,
      Metric.counter("orders", { description: "Orders", incremental: true, attributes: { "": "ü\"\\\n" } }),
      1
    )
    update(context, Metric.gauge("1st-value!", { description: "" }), Number.NaN)
    update(context, Metric.histogram("latency_seconds", { boundaries: [1], attributes: { __name__: "x" } }), 1)
    const { status, stderr, stdout } = spawnSync("promtool", ["check", "metrics"], {
      input: text(context),
      encoding: "utf8"
    })
    assert.deepStrictEqual([status, stdout, stderr], [0, "", ""])
  })
})

const characters = ["a", "_", ":", "9", "\\", "\"", "\n", "\r", "{", "}", ",", "=", " ", "#", "é", "😀", "\u0000", "le"]
const word = Arbitrary.map(
  Arbitrary.array(
    Arbitrary.schema(Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 0, maximum: characters.length - 1 })))),
    { maxLength: 8 }
  ),
  (indexes) => indexes.map((index) => characters[index]).join("")
)

describe(`what is written (seed ${seed})`, () => {
  it.effect("is read back, whatever is in names, attributes and values", () =>
    Effect.gen(function*() {
      const values = [0, -1.5, 1e300, Number.NaN, Infinity, -Infinity, 5e-324]
      const result = yield* Arbitrary.checkEffect(
        Arbitrary.all([Arbitrary.array(Arbitrary.all([word, word, word]), { maxLength: 8 }), word]),
        ([series, description]) => {
          const context = registry()
          for (const [index, [id, key, value]] of series.entries()) {
            const attributes = { [`x${key}`]: value }
            update(
              context,
              Metric.gauge(`g${index}${id}`, { description, attributes }),
              values[index % values.length] ?? 0
            )
            update(context, Metric.histogram(`h${index}${id}`, { boundaries: [1], attributes, description }), 2)
          }
          const samples = parse(text(context))
          assert.strictEqual(samples.length, series.length * 5)
          for (const [index, [, , value]] of series.entries()) {
            const [gauge, ...histogram] = samples.slice(index * 5)
            assert.deepStrictEqual(Object.values(gauge?.labels ?? {}), value === "" ? [] : [value])
            assert.deepStrictEqual(gauge?.value, values[index % values.length])
            assert.match(gauge?.name ?? "", new RegExp(`^g${index}[a-zA-Z0-9_:]*$`))
            assert.deepStrictEqual(histogram.slice(0, 4).map(({ value }) => value), [0, 1, 2, 1])
            assert.deepStrictEqual(histogram[1]?.labels["le"], "+Inf")
          }
          return true
        },
        { seed, runs: 300 }
      )
      assert.isUndefined(Arbitrary.formatCheckFailure(result))
    }))
})

describe("a Prometheus text of any service", () => {
  it("is read with its times and spaces, and without what is none", () => {
    assert.deepStrictEqual(
      parse(
        `# HELP up x\nup{job="a", b="c\\n\\"d\\\\",} 1 1395066363000\n\nbad line here\n up 2\nx +Inf\ny{} 1e3\nz NaN\r\nw 5`
      ),
      [
        { name: "up", labels: { job: "a", b: "c\n\"d\\" }, value: 1 },
        { name: "x", labels: {}, value: Infinity },
        { name: "y", labels: {}, value: 1000 },
        { name: "w", labels: {}, value: 5 }
      ]
    )
  })
})
