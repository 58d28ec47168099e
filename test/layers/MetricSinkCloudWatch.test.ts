import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Metric } from "effect"
import * as Metrics from "../../src/layers/Metrics.ts"
import * as MetricSinkCloudWatch from "../../src/layers/MetricSinkCloudWatch.ts"
import * as Environment from "../../src/services/Environment.ts"
import * as Ledger from "../../src/services/Ledger.ts"
import { type Datum, MetricSink } from "../../src/services/MetricSink.ts"
import * as Recent from "../../src/services/Recent.ts"
import * as FakeCloudWatch from "../utils/FakeCloudWatch.ts"

process.env["AWS_ACCESS_KEY_ID"] = "test"
process.env["AWS_SECRET_ACCESS_KEY"] = "test"

const datum = (name: string, value: number, timestamp = Date.now()): Datum => ({
  name,
  unit: "Count",
  timestamp,
  dimensions: {},
  values: [value],
  counts: [1]
})

const fakeServer = (options?: FakeCloudWatch.Options) =>
  Effect.acquireRelease(
    Effect.promise(() => FakeCloudWatch.start(options)),
    (fake) => Effect.promise(() => fake.close())
  )

const layerOf = (fake: FakeCloudWatch.FakeCloudWatch, options: Partial<MetricSinkCloudWatch.Options> = {}) =>
  MetricSinkCloudWatch.layer({
    namespace: "test",
    service: "orders",
    region: "eu-west-1",
    endpoint: fake.url,
    flushInterval: 10,
    ...options
  }).pipe(Layer.provideMerge(Ledger.layer))

const accountOf = (context: Context.Context<Ledger.Ledger>): Ledger.Account => {
  const [account] = Context.get(context, Ledger.Ledger).accounts()
  if (account === undefined) throw new Error("no account")
  return account
}

const until = (condition: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() => condition() ? Effect.void : Effect.andThen(Effect.sleep(5), until(condition)))

const put = (datums: ReadonlyArray<Datum>, options: {
  readonly fake: FakeCloudWatch.FakeCloudWatch
  readonly sink?: Partial<MetricSinkCloudWatch.Options>
}) =>
  Effect.scoped(Effect.gen(function*() {
    const context = yield* Layer.build(layerOf(options.fake, options.sink))
    const account = accountOf(context)
    yield* Context.get(context, MetricSink).put(datums)
    yield* until(() => account.buffered + account.inFlight === 0)
    assert.strictEqual(Ledger.unaccounted(account), 0)
    return account
  }))

const onceFault = (kind: FakeCloudWatch.Fault): FakeCloudWatch.Options => ({
  fault: ({ index }) => index === 0 ? kind : undefined
})

describe("the metric sink of CloudWatch", () => {
  it.live("delivers more datums than a call may carry, all of them once", () =>
    Effect.gen(function*() {
      const fake = yield* fakeServer()
      const datums = Array.from({ length: 2_500 }, (_, index) => datum(`m${index}`, index))
      const account = yield* put(datums, { fake })
      assert.deepInclude(account, { offered: 2_500, delivered: 2_500, repeated: 0 })
      assert.strictEqual(fake.calls.length, 3)
      assert.strictEqual(new Set(fake.datums.map(({ name }) => name)).size, 2_500)
      assert.deepStrictEqual(fake.violations, [])
    }))

  it.live("leaves out what CloudWatch would refuse, alone and counted", () =>
    Effect.gen(function*() {
      const fake = yield* fakeServer()
      const datums = Array.from({ length: 1_000 }, (_, index) => datum(`m${index}`, index === 500 ? NaN : index))
      const account = yield* put(datums, { fake })
      assert.deepInclude(account, { offered: 1_000, delivered: 999 })
      assert.strictEqual(account.rejected.invalid, 1)
      assert.strictEqual(fake.datums.length, 999)
      assert.deepStrictEqual(fake.violations, [])
    }))

  it.live("leaves out what is too old or too far ahead, alone and counted, whatever the clock was then", () =>
    Effect.gen(function*() {
      const fake = yield* fakeServer()
      const days = [-15, 1, 0].map((days) => Date.now() + days * 86_400_000)
      const datums = days.flatMap((day) => Array.from({ length: 25 }, (_, index) => datum(`m${index}`, index, day)))
      const account = yield* put(datums, { fake })
      assert.deepInclude(account, { offered: 75, delivered: 25, failedRequests: 0 })
      assert.deepInclude(account.rejected, { tooOld: 25, tooNew: 25, invalid: 0 })
      assert.strictEqual(fake.datums.length, 25)
      assert.deepStrictEqual(fake.violations, [])
    }))

  for (const fault of ["throttle", "503", "resetBeforeRead", "expiredToken", "skewed"] as const) {
    it.live(`sends again after ${fault}, with the minute of the value`, () =>
      Effect.gen(function*() {
        const fake = yield* fakeServer(onceFault(fault))
        const timestamp = Date.now() - 3 * 3_600_000
        const account = yield* put([datum("late", 7, timestamp)], { fake })
        assert.deepInclude(account, { offered: 1, delivered: 1 })
        assert.deepStrictEqual(
          fake.datums.map(({ timestamp, values }) => [timestamp, values]),
          [[Math.floor(timestamp / 60_000) * 60_000, [7]]]
        )
      }))
  }

  for (const fault of ["resetAfterStore", "noRequestId"] as const) {
    it.live(`may count twice after ${fault} when told to retry, and says so`, () =>
      Effect.gen(function*() {
        const fake = yield* fakeServer(onceFault(fault))
        const account = yield* put([datum("a", 7)], { fake, sink: { ambiguous: "retry" } })
        assert.deepInclude(account, { offered: 1, delivered: 1, repeated: 1 })
        assert.deepStrictEqual(fake.datums.map(({ ambiguous }) => ambiguous), [true, false])
      }))

    it.live(`never counts twice after ${fault} when told to drop, and says so`, () =>
      Effect.gen(function*() {
        const fake = yield* fakeServer(onceFault(fault))
        const account = yield* put([datum("a", 7)], { fake, sink: { ambiguous: "drop" } })
        assert.deepInclude(account, { offered: 1, delivered: 0, repeated: 0 })
        assert.strictEqual(account.dropped.ambiguous, 1)
        assert.strictEqual(fake.datums.length, 1)
      }))
  }

  it.live("keeps what was posted during an outage, each with its own minute", () =>
    Effect.gen(function*() {
      const fake = yield* fakeServer()
      fake.outage = true
      const context = yield* Layer.build(layerOf(fake))
      const account = accountOf(context)
      const sink = Context.get(context, MetricSink)
      const minutes = [3, 2, 1].map((ago) => Math.floor(Date.now() / 60_000 - ago) * 60_000)
      for (const minute of minutes) yield* sink.put([datum("a", minute, minute)])
      yield* until(() => account.failedRequests > 1)
      fake.outage = false
      yield* until(() => account.delivered === 3)
      assert.deepStrictEqual(fake.datums.map(({ timestamp }) => timestamp).sort(), minutes)
      assert.deepStrictEqual(fake.datums.map(({ values: [value] }) => value).sort(), minutes)
    }).pipe(Effect.scoped))

  it.live("posts a minute of 1,000 series, its own included, and any number of updates in one call, sums exact", () =>
    Effect.gen(function*() {
      const fake = yield* fakeServer()
      const expected = new Map<string, number>()
      yield* Effect.gen(function*() {
        const context = yield* Effect.context<never>()
        const counters = Array.from({ length: 990 }, (_, index) => Metric.counter(`c${index}`))
        for (let update = 0; update < 100_000; update++) {
          const index = update % counters.length
          const amount = 0.1 * (1 + update % 7)
          counters[index]?.updateUnsafe(amount, context)
          expected.set(`c${index}`, (expected.get(`c${index}`) ?? 0) + amount)
        }
        yield* Effect.flatMap(Metrics.Metrics, ({ post }) => post).pipe(
          Effect.provide(
            Metrics.layer.pipe(
              Layer.provide(layerOf(fake)),
              Layer.provide(Layer.mergeAll(Recent.layer, Environment.layerMemory))
            )
          )
        )
      }).pipe(Effect.provide(Layer.sync(Metric.MetricRegistry, () => new Map())))
      const mine = fake.datums.filter(({ name }) => /^c\d+$/.test(name))
      assert.strictEqual(new Set(mine.map(({ ingestedBy }) => ingestedBy)).size, 1)
      assert.strictEqual(mine.length, 990)
      for (const { counts, name, values } of mine) {
        const sum = values.reduce((total, value, index) => total + value * (counts[index] ?? 0), 0)
        assert.closeTo(sum, expected.get(name) ?? NaN, 1e-9)
      }
    }).pipe(Effect.scoped))
})
