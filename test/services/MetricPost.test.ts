import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Schema } from "effect"
import * as MetricPost from "../../src/services/MetricPost.ts"
import type { Datum } from "../../src/services/MetricSink.ts"

const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000)

const given = (datum: Partial<Datum>): Datum => ({
  name: "orders_total",
  unit: "Count",
  timestamp: 0,
  dimensions: {},
  values: [1],
  counts: [1],
  ...datum
})

const service = "shop"
const make = (datums: ReadonlyArray<Datum>, options?: Partial<MetricPost.Options>) =>
  MetricPost.make(datums, { service, ...options })

const dimensions = ({ Dimensions }: MetricPost.PostDatum) =>
  Object.fromEntries(Dimensions.map(({ Name, Value }) => [Name, Value]))

const total = (values: ReadonlyArray<number>, counts: ReadonlyArray<number>) =>
  values.reduce((sum, value, index) => sum + value * (counts[index] ?? 0), 0)

describe("a post", () => {
  it("has the shape of the SDK's datum, with the service as first dimension and the whole minute", () => {
    assert.deepStrictEqual(
      make([
        given({ name: "queue_bytes", unit: "Bytes", timestamp: 119_999, dimensions: { queue: "a" }, values: [7] })
      ]),
      {
        datums: [{
          MetricName: "queue_bytes",
          Dimensions: [{ Name: "service", Value: "shop" }, { Name: "queue", Value: "a" }],
          Unit: "Bytes",
          Timestamp: new Date(60_000),
          Values: [7],
          Counts: [1],
          StorageResolution: 60
        }],
        invalid: 0,
        overflowed: 0
      }
    )
  })

  it("has the whole second at a resolution of 1", () => {
    const [datum] = make([given({ timestamp: 61_999 })], { resolution: 1 }).datums
    assert.deepInclude(datum, { Timestamp: new Date(61_000), StorageResolution: 1 })
  })

  it("has the instance as dimension only where it is told, and no other service or instance then", () => {
    const datums = [given({ dimensions: { service: "other", instance: "other" } })]
    assert.deepStrictEqual(make(datums).datums.map(dimensions), [{ service, instance: "other" }])
    assert.deepStrictEqual(make(datums, { instance: "i-1" }).datums.map(dimensions), [{ service, instance: "i-1" }])
  })

  it("has requests by operation and class of status, whatever the method", () => {
    const of = (method: string, status: string, values: ReadonlyArray<number>, counts: ReadonlyArray<number>) =>
      given({
        name: "http_server_request_duration_seconds",
        unit: "Seconds",
        dimensions: {
          operation: "orders.get",
          http_request_method: method,
          http_route: "/orders/:id",
          http_response_status_code: status
        },
        values,
        counts
      })
    const { datums, invalid } = make([
      of("GET", "200", [1, 2], [1, 1]),
      of("POST", "201", [2, 3], [4, 1]),
      of("GET", "404", [9], [1]),
      of("GET", "odd", [8], [1]),
      given({ name: "http_server_active_requests", dimensions: { operation: "orders.get" }, values: [3] }),
      given({ dimensions: { method: "card", status: "200" } })
    ])
    assert.strictEqual(invalid, 0)
    assert.deepStrictEqual(datums.map((datum) => [dimensions(datum), datum.Values, datum.Counts]), [
      [{ service, operation: "orders.get", status_class: "2xx" }, [1, 2, 3], [1, 5, 1]],
      [{ service, operation: "orders.get", status_class: "4xx" }, [9], [1]],
      [{ service, operation: "orders.get", status_class: "other" }, [8], [1]],
      [{ service, operation: "orders.get" }, [3], [1]],
      [{ service, method: "card", status: "200" }, [1], [1]]
    ])
  })

  it("merges neither names nor units nor minutes, but dimensions in any order", () => {
    const { datums } = make([
      given({ dimensions: { a: "1", b: "2" } }),
      given({ dimensions: { b: "2", a: "1" }, values: [5] }),
      given({ dimensions: { a: "1", b: "2" }, name: "other" }),
      given({ dimensions: { a: "1", b: "2" }, unit: "None" }),
      given({ dimensions: { a: "1", b: "2" }, timestamp: 60_000 })
    ])
    assert.deepStrictEqual(datums.map(({ Values }) => Values), [[1, 5], [1], [1], [1]])
  })

  it("has 150 values a datum and the rest in more of the same series and time", () => {
    const values = Array.from({ length: 301 }, (_, index) => index)
    const { datums } = make([given({ timestamp: 60_000, dimensions: { a: "1" }, values, counts: values.map(() => 2) })])
    assert.deepStrictEqual(datums.map(({ Values }) => Values.length), [150, 150, 1])
    assert.deepStrictEqual(datums.flatMap(({ Values }) => Values), values)
    for (const datum of datums) {
      assert.deepStrictEqual(dimensions(datum), { service, a: "1" })
      assert.deepStrictEqual(datum.Timestamp, new Date(60_000))
    }
  })

  it("makes names and dimensions what CloudWatch takes", () => {
    const { datums, invalid } = make([
      given({
        name: `Größe\n${"x".repeat(300)}`,
        dimensions: {
          "::a": "1",
          "": "no name",
          "::": "only colons",
          blank: "  ",
          [`long${"l".repeat(300)}`]: "v".repeat(2000),
          emoji: "🎉",
          [`${" ".repeat(300)}late`]: "1"
        }
      })
    ])
    assert.strictEqual(invalid, 0)
    assert.deepStrictEqual(datums.map((datum) => [datum.MetricName, dimensions(datum)]), [[
      `Gr??e?${"x".repeat(249)}`,
      { service, a: "1", emoji: "?", [`long${"l".repeat(251)}`]: "v".repeat(1024) }
    ]])
  })

  it("keeps the first of dimensions that get one name", () => {
    assert.deepStrictEqual(make([given({ dimensions: { "ä": "2", "?": "1" } })]).datums.map(dimensions), [
      { service, "?": "1" }
    ])
  })

  it("drops a bad datum alone and counts it", () => {
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`d${index}`, "1"]))
    const bad = [
      given({ values: [1, Number.NaN], counts: [1, 1] }),
      given({ values: [Number.POSITIVE_INFINITY] }),
      given({ values: [-1e109] }),
      given({ counts: [Number.NaN] }),
      given({ counts: [0] }),
      given({ counts: [-1] }),
      given({ counts: [] }),
      given({ counts: [1, 1] }),
      given({ values: [], counts: [] }),
      given({ name: "" }),
      given({ name: "  " }),
      given({ timestamp: Number.NaN }),
      given({ timestamp: 1e300 }),
      given({ dimensions: many })
    ]
    const datums = bad.flatMap((datum, index) => [datum, given({ name: `good${index}` })])
    const post = make(datums)
    assert.strictEqual(post.invalid, bad.length)
    assert.deepStrictEqual(post.datums.map(({ MetricName }) => MetricName), bad.map((_, index) => `good${index}`))
  })

  it("takes names and values that are no text as such, and drops what is none of either alone", () => {
    const untyped = (dimensions: Record<string, unknown>) => given({ dimensions: dimensions as Record<string, string> })
    const { datums, invalid } = make([
      untyped({ tenant: 7, shard: null, on: true }),
      untyped({ tenant: Object.create(null) }),
      given({ name: "http_server_x", dimensions: { http_response_status_code: 404 as unknown as string } }),
      undefined as unknown as Datum,
      given({})
    ])
    assert.deepStrictEqual(datums.map(dimensions), [
      { service, on: "true", shard: "null", tenant: "7" },
      { service, status_class: "4xx" },
      { service }
    ])
    assert.strictEqual(invalid, 2)
  })

  it("takes 30 dimensions, the greatest values, and 0 for those too small", () => {
    const many = Object.fromEntries(Array.from({ length: 29 }, (_, index) => [`d${index}`, "1"]))
    const { datums, invalid } = make([given({ dimensions: many, values: [2 ** 360, -1e-200], counts: [1, 1] })])
    assert.strictEqual(invalid, 0)
    assert.deepStrictEqual(datums.map(({ Dimensions, Values }) => [Dimensions.length, Values]), [[30, [2 ** 360, 0]]])
  })

  it("has no datum of more than a tenth of a call", () => {
    const values = Array.from({ length: 150 }, (_, index) => -(index + 1) / 3e-100)
    const [datum, ...others] = make([
      given({
        name: "\"".repeat(255),
        dimensions: Object.fromEntries(
          values.slice(0, 29).map((_, index) => [`${index}${"\\".repeat(255)}`, "\"".repeat(1024)])
        ),
        values,
        counts: values.map((_, index) => 4_000_000_000 - index)
      })
    ], { service: "\"".repeat(1024) }).datums
    assert.deepStrictEqual(others, [])
    assert.strictEqual(datum?.Dimensions.length, 30)
    assert.isBelow(datum === undefined ? Infinity : MetricPost.sizeOf(datum), MetricPost.limits.bytes / 10)
  })

  it("has the first series of a name, and all others as one", () => {
    const of = (name: string, customer: number) => given({ name, dimensions: { customer: `c${customer}`, plan: "x" } })
    const datums = [0, 1, 2, 3, 0, 3].map((customer) => of("orders_total", customer))
    const { overflowed, datums: posted } = make([...datums, of("refunds_total", 9)], { instance: "i-1", maxSeries: 2 })
    assert.deepStrictEqual(posted.map((datum) => [datum.MetricName, dimensions(datum), datum.Values, datum.Counts]), [
      ["orders_total", { service, instance: "i-1", customer: "c0", plan: "x" }, [1], [2]],
      ["orders_total", { service, instance: "i-1", customer: "c1", plan: "x" }, [1], [1]],
      ["orders_total", { service, instance: "i-1", customer: "other", plan: "other" }, [1], [3]],
      ["refunds_total", { service, instance: "i-1", customer: "c9", plan: "x" }, [1], [1]]
    ])
    assert.strictEqual(overflowed, 3)
  })

  it("has a thousand series of a name unless told", () => {
    const { overflowed, datums } = make(
      Array.from({ length: 1500 }, (_, index) => given({ dimensions: { customer: String(index) } }))
    )
    assert.strictEqual(datums.length, 1001)
    assert.strictEqual(overflowed, 500)
  })
})

const between = (minimum: number, maximum: number) =>
  Arbitrary.schema(Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum, maximum }))))

const either = <A>(first: Arbitrary.Arbitrary<A>, ...others: ReadonlyArray<Arbitrary.Arbitrary<A>>) =>
  Arbitrary.flatMap(between(0, others.length), (index) => others[index - 1] ?? first)

const oneOf = <A>(first: A, ...others: ReadonlyArray<A>) =>
  Arbitrary.map(between(0, others.length), (index) => others[index - 1] ?? first)

const text = either(
  oneOf(
    "orders_total",
    "http_server_requests_total",
    "http_server_request_duration_seconds",
    "",
    " ",
    ":",
    "::a",
    "a",
    "service",
    "instance",
    "method",
    "status",
    "200",
    "other",
    "__proto__",
    "\u0000",
    "\u007f",
    "\t",
    "é🎉\ud800",
    " ".repeat(1100) + "a",
    ":".repeat(400),
    "\"\\".repeat(600),
    "ü".repeat(1100)
  ),
  Arbitrary.map(between(0, 2 ** 31), (int) => String.fromCharCode(int & 0xffff, (int >> 16) & 0x7f, 97 + int % 26))
)

const { largest } = MetricPost.limits
const badNumbers = [Number.NaN, Infinity, -Infinity, largest * 1.001, -largest * 2, Number.MAX_VALUE]
const numbers = either(
  Arbitrary.map(between(-1_000_000, 1_000_000), (int) => int / 1000),
  Arbitrary.schema(Schema.Finite.pipe(Schema.check(Schema.isBetween({ minimum: -largest, maximum: largest })))),
  oneOf(0, -0, 1, 5e-324, 1e-109, -8.51592e-109, largest, -largest, 1 / 3, -1.2345678901234567e-100)
)
const counts = either(between(1, 4_000_000_000), between(1, 3))

const fewEntries = Arbitrary.array(Arbitrary.all([numbers, counts]), { minLength: 1, maxLength: 4 })
const entries = either(
  fewEntries,
  ...Array.from({ length: 14 }, () => fewEntries),
  Arbitrary.map(
    between(1, 500),
    (length) => Array.from({ length }, (_, index): readonly [number, number] => [index / 7, index + 1])
  )
)

const manyDimensions = Object.fromEntries(Array.from({ length: 31 }, (_, index) => [`d${index}`, "1"]))
const broken: ReadonlyArray<(datum: Datum) => Datum> = [
  ...badNumbers.map((value) => (datum: Datum) => ({
    ...datum,
    values: [...datum.values, value],
    counts: [...datum.counts, 1]
  })),
  ...[...badNumbers, 0, -1].map((count) => (datum: Datum) => ({
    ...datum,
    values: [...datum.values, 1],
    counts: [...datum.counts, count]
  })),
  (datum) => ({ ...datum, counts: [] }),
  (datum) => ({ ...datum, values: [], counts: [] }),
  (datum) => ({ ...datum, timestamp: Number.NaN }),
  (datum) => ({ ...datum, timestamp: 8.65e15 }),
  (datum) => ({ ...datum, name: " ".repeat(300) + "a" }),
  (datum) => ({ ...datum, dimensions: { ...datum.dimensions, ...manyDimensions } })
]

const goodDatum = Arbitrary.map(
  Arbitrary.all([
    text,
    oneOf<Datum["unit"]>("Count", "Bytes", "Seconds", "Milliseconds", "Percent", "None"),
    oneOf(0, 1_700_000_000_000, 1_700_000_012_345.6, -1, 8.64e15, -8.64e15),
    Arbitrary.array(Arbitrary.all([text, text]), { maxLength: 6 }),
    entries
  ]),
  ([name, unit, timestamp, dimensions, entries]): Datum => ({
    name: name.slice(0, 255).trim() === "" ? "blank" : name,
    unit,
    timestamp,
    dimensions: Object.fromEntries(dimensions),
    values: entries.map(([value]) => value),
    counts: entries.map(([, count]) => count)
  })
)

/** Each of them with whether it is good. */
const hostile = Arbitrary.map(
  Arbitrary.all([goodDatum, between(0, 4 * broken.length)]),
  ([datum, index]) => {
    const spoil = broken[index]
    return { datum: spoil === undefined ? datum : spoil(datum), good: spoil === undefined }
  }
)

const batches = Arbitrary.array(hostile, { minLength: 40, maxLength: 40 })

const options = Arbitrary.map(
  Arbitrary.all([text, text, oneOf(0, 1), oneOf<1 | 60 | undefined>(1, 60, undefined), between(0, 10)]),
  ([service, instance, told, resolution, maxSeries]): MetricPost.Options => ({
    service,
    instance: told === 1 ? instance : undefined,
    resolution,
    maxSeries
  })
)

const isTaken = (value: number) => value === 0 || Math.abs(value) >= 8.51592e-109 && Math.abs(value) <= 2 ** 360

/** What CloudWatch would refuse of a datum. */
const refused = (datum: MetricPost.PostDatum, resolution: 1 | 60) => {
  const { Counts, Dimensions, MetricName, StorageResolution, Timestamp, Values } = datum
  const rules = {
    MetricName: /^[\x20-\x7e]{1,255}$/.test(MetricName) && MetricName.trim() !== "",
    Dimensions: Dimensions.length <= 30 && new Set(Dimensions.map(({ Name }) => Name)).size === Dimensions.length,
    Name: Dimensions.every(({ Name }) => /^(?!:)[\x20-\x7e]{1,255}$/.test(Name) && Name.trim() !== ""),
    Value: Dimensions.every(({ Value }) => /^[\x20-\x7e]{1,1024}$/.test(Value) && Value.trim() !== ""),
    StorageResolution: StorageResolution === resolution,
    Timestamp: Timestamp.getTime() % (resolution * 1000) === 0,
    Values: Values.length >= 1 && Values.length <= 150 && Values.every(isTaken),
    unique: new Set(Values).size === Values.length,
    Counts: Counts.length === Values.length && Counts.every((count) => Number.isFinite(count) && count > 0)
  }
  return Object.entries(rules).flatMap(([rule, kept]) => kept ? [] : [rule])
}

const wire = (datum: MetricPost.PostDatum) =>
  Buffer.byteLength(JSON.stringify({ ...datum, Timestamp: datum.Timestamp.getTime() / 1000 }))

describe(`any batch (seed ${seed})`, () => {
  it.effect("obeys every limit of CloudWatch and loses nothing but what is counted", () =>
    Effect.gen(function*() {
      let checked = 0
      const result = yield* Arbitrary.checkEffect(
        Arbitrary.all([batches, options]),
        ([batch, options]) => {
          checked += batch.length
          const post = MetricPost.make(batch.map(({ datum }) => datum), options)
          assert.strictEqual(post.invalid, batch.filter(({ good }) => !good).length)
          const seen = new Map<string, number>()
          const count = (unit: string, value: number, count: number) => {
            const key = `${unit} ${Math.abs(value) < 8.51592e-109 ? 0 : value}`
            seen.set(key, (seen.get(key) ?? 0) + count)
          }
          for (const { datum, good } of batch) {
            if (good) datum.values.forEach((value, index) => count(datum.unit, value, datum.counts[index] ?? 0))
          }
          for (const datum of post.datums) {
            const rules = refused(datum, options.resolution ?? 60)
            if (rules.length > 0) assert.fail(`${rules.join()}: ${JSON.stringify(datum)}`)
            const [real, size] = [wire(datum), MetricPost.sizeOf(datum)]
            if (size < real || size > 1.3 * real + 200) assert.fail(`${size} for ${real}`)
            datum.Values.forEach((value, index) => count(datum.Unit, value, -(datum.Counts[index] ?? 0)))
          }
          assert.deepStrictEqual([...seen].filter(([, left]) => left !== 0), [])
          return true
        },
        { seed, runs: 2500 }
      )
      assert.isUndefined(Arbitrary.formatCheckFailure(result))
      assert.isAtLeast(checked, 100_000)
    }), 120_000)

  it.effect("has the sums of counters by name, and no more series of a name than it may", () =>
    Effect.gen(function*() {
      const names = ["http_server_requests_total", "orders_total", "refunds_total"]
      const counter = Arbitrary.map(
        Arbitrary.all([between(0, 2), between(0, 6), between(100, 599), between(0, 1e9), between(1, 3)]),
        ([name, operation, status, value, count]) =>
          given({
            name: names[name] ?? "",
            dimensions: { operation: String(operation), method: `M${operation % 2}`, status: String(status) },
            values: [value / 1000, 1 / (value + 1)],
            counts: [count, 1]
          })
      )
      const result = yield* Arbitrary.checkEffect(
        Arbitrary.all([Arbitrary.array(counter), between(1, 20)]),
        ([datums, maxSeries]) => {
          const post = make(datums, { maxSeries })
          for (const name of names) {
            const before = datums.filter((datum) => datum.name === name)
            const after = post.datums.filter(({ MetricName }) => MetricName === name)
            const [expected, actual] = [
              before.reduce((sum, { counts, values }) => sum + total(values, counts), 0),
              after.reduce((sum, { Counts, Values }) => sum + total(Values, Counts), 0)
            ]
            assert.closeTo(actual, expected, 1e-9 * expected)
            assert.isAtMost(new Set(after.map(({ Dimensions }) => JSON.stringify(Dimensions))).size, maxSeries + 1)
          }
          return true
        },
        { seed, runs: 300, size: 300 }
      )
      assert.isUndefined(Arbitrary.formatCheckFailure(result))
    }))
})
