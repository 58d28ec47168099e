import { describe, it } from "@effect/vitest"
import { Clock, Context, Effect, Exit, Layer, Random, Scope } from "effect"
import { TestClock } from "effect/testing"
import { setImmediate } from "node:timers/promises"
import { assert } from "vitest"
import type { CloudWatchLogs } from "../../src/layers/CloudWatchLogs.ts"
import * as DeliveryReport from "../../src/layers/DeliveryReport.ts"
import * as LogSinkCloudWatch from "../../src/layers/LogSinkCloudWatch.ts"
import * as Ledger from "../../src/services/Ledger.ts"
import type { LogSink } from "../../src/services/LogSink.ts"

// Quotas scale with the fleet: `FLEET=10000` is the whole of it, with an account's real ones.
const size = Number(process.env["FLEET"] ?? 200)
const seconds = Number(process.env["FLEET_SECONDS"] ?? 600)
const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000)
const share = size / 10_000
const quotas = { PutLogEvents: 5_000, CreateLogStream: 50, CreateLogGroup: 10, PutRetentionPolicy: 5 }
type Operation = keyof typeof quotas

const sdkError = (name: string, httpStatusCode: number) =>
  Object.assign(new Error(name), { name, $metadata: { httpStatusCode } })

/** One account of AWS: each operation has a token bucket of one second, refused calls included in nothing. */
const makeAccountOfAws = (now: () => number) => {
  const streams = new Set<string>()
  let group = false
  let events = 0
  const buckets = new Map<Operation, { tokens: number; at: number }>()
  const calls: Array<{ readonly second: number; readonly operation: Operation; readonly throttled: boolean }> = []

  const call = (operation: Operation) => {
    const limit = Math.max(1, quotas[operation] * share)
    const bucket = buckets.get(operation) ?? { tokens: limit, at: now() }
    const tokens = Math.min(limit, bucket.tokens + (now() - bucket.at) / 1000 * limit)
    const throttled = tokens < 1
    buckets.set(operation, { tokens: throttled ? tokens : tokens - 1, at: now() })
    calls.push({ second: Math.floor(now() / 1000), operation, throttled })
    if (throttled) throw sdkError("ThrottlingException", 400)
  }

  const connect = async ({ stream }: { readonly stream: string }) =>
    ({
      put: async (batch: ReadonlyArray<unknown>) => {
        call("PutLogEvents")
        if (!streams.has(stream)) throw sdkError("ResourceNotFoundException", 400)
        events += batch.length
        return { $metadata: { requestId: "r" } }
      },
      createStream: async () => {
        call("CreateLogStream")
        if (!group) throw sdkError("ResourceNotFoundException", 400)
        streams.add(stream)
      },
      createGroup: async () => {
        call("CreateLogGroup")
        if (group) throw sdkError("ResourceAlreadyExistsException", 400)
        group = true
      },
      setRetention: async () => call("PutRetentionPolicy"),
      systemClockOffset: () => 0,
      skew: () => 0,
      close: () => {}
    }) as unknown as CloudWatchLogs

  return { connect, calls, streams, events: () => events }
}

describe(`a fleet of ${size} on one account (seed ${seed})`, () => {
  it.effect("starts at once, runs, and loses nothing however little the account allows", () =>
    Effect.gen(function*() {
      const clock = yield* Clock.Clock
      const aws = makeAccountOfAws(() => clock.currentTimeMillisUnsafe())
      const scope = yield* Scope.make()
      const fleet: Array<{ readonly sink: LogSink["Service"]; readonly account: Ledger.Account }> = []
      for (let index = 0; index < size; index++) {
        const context = yield* Layer.buildWithScope(Ledger.layer, scope)
        const sink = yield* LogSinkCloudWatch.make(
          { group: "/fleet", stream: `s${index}`, drainDeadline: "10 minutes" },
          aws.connect
        ).pipe(Effect.provideContext(context), Scope.provide(scope))
        const [account] = Context.get(context, Ledger.Ledger).accounts()
        if (account === undefined) return assert.fail("no account")
        fleet.push({ sink, account })
      }

      const step = 250
      const advance = Effect.andThen(TestClock.adjust(step), Effect.promise(() => setImmediate()))
      let largest = 0
      for (let elapsed = 0; elapsed < seconds * 1000; elapsed += step) {
        // Everybody logs at the start and once a second, which is twice what the account takes in requests.
        if (elapsed % 1000 === 0) {
          const timestamp = clock.currentTimeMillisUnsafe()
          for (const { sink } of fleet) sink.offer({ timestamp, level: "Info", line: `{"message":"x"}` })
        }
        yield* advance
        for (const { account } of fleet) largest = Math.max(largest, account.bufferedBytes)
      }

      const lastMinute = aws.calls.filter(({ second }) => second >= clock.currentTimeMillisUnsafe() / 1000 - 60)
      const throttledPuts = lastMinute.filter(({ operation, throttled }) => operation === "PutLogEvents" && throttled)
      const puts = lastMinute.filter(({ operation }) => operation === "PutLogEvents")
      const created = aws.calls.findLast(({ operation, throttled }) => operation === "CreateLogStream" && !throttled)
      const first = aws.calls[0]?.second ?? 0

      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      while (closing.pollUnsafe() === undefined) yield* advance

      const sum = (value: (account: Ledger.Account) => number) =>
        fleet.reduce((total, { account }) => total + value(account), 0)
      console.log(
        `fleet ${size}, ${seconds} s: ${aws.calls.length} calls, last stream after ${
          (created?.second ?? 0) - first
        } s, ` +
          `${throttledPuts.length} of ${puts.length} puts throttled in the last minute, ` +
          `at most ${largest} bytes buffered in one process`
      )
      assert.strictEqual(aws.streams.size, size, "every process has its stream")
      assert.strictEqual(sum(Ledger.unaccounted), 0)
      assert.strictEqual(sum(({ delivered }) => delivered), sum(({ offered }) => offered), "nothing is lost")
      assert.strictEqual(aws.events(), sum(({ delivered }) => delivered), "the service has what the ledgers say")
      assert.isBelow(throttledPuts.length / puts.length, 0.25, "the fleet finds the rate the account allows")
    }).pipe(Random.withSeed(seed), Effect.provideService(DeliveryReport.Write, () => {})), { timeout: 600_000 })
})
