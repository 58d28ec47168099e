import { describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { subscribe, unsubscribe } from "node:diagnostics_channel"
import { once } from "node:events"
import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import { assert } from "vitest"
import * as LogSinkCloudWatch from "../../src/layers/LogSinkCloudWatch.ts"
import * as Ledger from "../../src/services/Ledger.ts"
import { encode } from "../../src/services/LogEncoder.ts"
import type { Fault, Options } from "../utils/FakeCloudWatch.ts"
import { group, setUp, stream, until } from "../utils/logSink.ts"

process.env["AWS_ACCESS_KEY_ID"] = "test"
process.env["AWS_SECRET_ACCESS_KEY"] = "test"

const [minute, hour] = [60_000, 3_600_000]
const day = 24 * hour

/** Lets the puts with these numbers, from 0, meet a fault. */
const onPuts = (kind: Fault, ...numbers: ReadonlyArray<number>): Options => {
  let puts = 0
  return { fault: ({ operation }) => operation === "PutLogEvents" && numbers.includes(puts++) ? kind : undefined }
}

/** Provides variables of the environment, `undefined` for none. */
const withEnvironment = (variables: Record<string, string | undefined>) => {
  const set = (variables: Record<string, string | undefined>) => {
    for (const [name, value] of Object.entries(variables)) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  }
  return Effect.acquireRelease(
    Effect.sync(() => {
      const before = Object.fromEntries(Object.keys(variables).map((name) => [name, process.env[name]]))
      set(variables)
      return before
    }),
    (before) => Effect.sync(() => set(before))
  )
}

describe("a sink that writes to CloudWatch", () => {
  it.live("delivers lines in order, with as few calls as need be, all of them as logged", () =>
    Effect.gen(function*() {
      const { account, assertDelivered, controls, events, fake, offer, puts, sink } = yield* setUp()
      for (const level of ["Trace", "Debug", "Info", "Warn", "Error", "Fatal"] as const) offer({ level })
      yield* sink.flush
      assert.deepStrictEqual(events().map(({ message }) => message), [1, 2, 3, 4, 5, 6].map((n) => `line ${n}`))
      assert.deepStrictEqual(events().map(({ seq }) => seq), [1, 2, 3, 4, 5, 6])
      assert.deepStrictEqual(fake.streams(), [{ group, stream, count: 6 }])
      assert.deepStrictEqual(controls().map(({ operation }) => operation), ["CreateLogStream"])
      assert.strictEqual(puts().length, 2)
      assert.deepInclude(account, { requests: 1, failedRequests: 0, repeated: 0 })
      assert.deepStrictEqual(assertDelivered(), { duplicates: 0 })
    }))

  it.live("is not held up by a stream whose creation was never answered", () =>
    Effect.gen(function*() {
      let streams = 0
      const missing = Object.assign(new Error("no stream"), {
        name: "ResourceNotFoundException",
        $metadata: { httpStatusCode: 400 }
      })
      const logs = {
        put: () => streams < 2 ? Promise.reject(missing) : Promise.resolve({ $metadata: { requestId: "1" } }),
        createStream: () => ++streams === 1 ? new Promise<never>(() => {}) : Promise.resolve({}),
        skew: () => 0,
        systemClockOffset: () => 0,
        close: () => {}
      }
      const sink = yield* LogSinkCloudWatch.make(
        { group, stream, requestTimeout: "100 millis", drainDeadline: "100 millis" },
        () => Promise.resolve(logs as never)
      )
      sink.offer({ timestamp: Date.now(), level: "Info", line: "{}" })
      yield* sink.flush
      assert.strictEqual(streams, 2)
    }).pipe(Effect.provide(Ledger.layer)))

  it.live("tells the lines of each run from those of others", () =>
    Effect.gen(function*() {
      const boots: Array<string> = []
      for (const boot of [undefined, undefined, "00f067aa"]) {
        const { events, offerMany, sink } = yield* setUp({ sink: { boot } })
        offerMany(10)
        yield* sink.flush
        boots.push(...new Set(events().map(({ boot }) => boot)))
      }
      assert.strictEqual(boots[2], "00f067aa")
      assert.strictEqual(new Set(boots).size, 3)
      assert.isTrue(boots.every((boot) => /^[0-9a-f]{8}$/.test(boot)))
    }))

  it.live("delivers a burst of 100,000 lines in one tick", () =>
    Effect.gen(function*() {
      const { account, assertDelivered, controls, offerMany, sink } = yield* setUp({
        sink: { flushInterval: "1 second" }
      })
      offerMany(100_000)
      assert.strictEqual(account.buffered, 100_000)
      yield* sink.flush
      assert.strictEqual(account.offered, 100_000)
      assert.isAtMost(controls().length, 2)
      assert.deepStrictEqual(assertDelivered(), { duplicates: 0 })
    }), 60_000)

  it.live("fills calls up to 10,000 tiny lines or 1 MiB of larger ones, whatever it was told, and no more", () =>
    Effect.gen(function*() {
      const { assertDelivered, offerMany, puts, sink } = yield* setUp({ sink: { batchBytes: 8 * 1024 * 1024 } })
      const timestamp = Date.now()
      for (let index = 0; index < 25_000; index++) sink.offer({ timestamp, level: "Info", line: `{"tiny":1}` })
      yield* sink.flush
      assert.strictEqual(Math.max(...puts().map(({ events }) => events)), 10_000)
      offerMany(25_000)
      yield* sink.flush
      assert.isAbove(Math.max(...puts().map(({ bytes }) => bytes)), 1_000_000)
      assertDelivered()
    }))

  it.live("delivers a line that is too long in parts, which rejoin, however its characters are encoded", () =>
    Effect.gen(function*() {
      const { account, assertDelivered, events, offer, sink } = yield* setUp()
      const message = ["日本語", "🦊", `"\\`, "\u0001", "ü", "\ud83d", "plain"].join("|").repeat(100_000)
      offer({ message: "before" })
      offer({ message, timestamp: 1_000 * Math.floor(Date.now() / 1_000) })
      offer({ message: "after" })
      yield* sink.flush
      assertDelivered()
      const parts = events().filter(({ parts }) => parts !== undefined).sort((a, b) => (a.part ?? 0) - (b.part ?? 0))
      assert.isAbove(parts.length, 3)
      assert.strictEqual(account.offered, parts.length + 2)
      assert.deepStrictEqual(parts.map(({ part, seq }) => [part, seq]), parts.map((_, index) => [index + 1, 2]))
      assert.isTrue(parts.every((part) => part.parts === parts.length))
      const [first] = parts
      const timestamp = first?.timestamp ?? 0
      const line = parts.map(({ text }) => text).join("")
      assert.isTrue(line === encode({ timestamp: new Date(timestamp).getTime(), level: "Info", message }))
    }))

  it.live("delivers lines of many days, out of order, within the limits of one call", () =>
    Effect.gen(function*() {
      const { assertDelivered, offer, sink } = yield* setUp()
      for (let index = 0; index < 300; index++) offer({ timestamp: Date.now() - (index * 7919 % 300) * hour })
      yield* sink.flush
      assertDelivered()
    }))
})

describe("what CloudWatch would refuse", () => {
  it.live("is left out and counted: too old, too far ahead", () =>
    Effect.gen(function*() {
      const { account, assertExact, offer, said, close, puts, sink } = yield* setUp()
      offer({ timestamp: Date.now() - 15 * day })
      offer()
      offer({ timestamp: Date.now() + 3 * hour })
      yield* sink.flush
      assert.deepStrictEqual(account.rejected, { tooOld: 1, tooNew: 1, expired: 0, invalid: 0 })
      assert.deepStrictEqual(assertExact(), { distinct: 1, duplicates: 0 })
      assert.deepStrictEqual(puts().map(({ events }) => events).filter((events) => events !== 1), [])
      yield* close
      assert.include(said.at(-1), "2 logs were not delivered")
    }))

  it.live("is counted when only CloudWatch knows: older than the group keeps", () =>
    Effect.gen(function*() {
      const { account, assertExact, offerMany, sink } = yield* setUp({ fake: { groupRetentionDays: 1 } })
      offerMany(2, { timestamp: Date.now() - 2 * day })
      offerMany(3)
      yield* sink.flush
      assert.deepStrictEqual(account.rejected, { tooOld: 0, tooNew: 0, expired: 2, invalid: 0 })
      assert.deepStrictEqual(assertExact(), { distinct: 3, duplicates: 0 })
    }))

  it.live("is counted by reason in an answer that takes the rest, and nothing is sent again", () =>
    Effect.gen(function*() {
      const { account, assertExact, events, offerMany, puts, sink } = yield* setUp({
        fake: onPuts("partialRejection", 1)
      })
      offerMany(10)
      yield* sink.flush
      offerMany(10)
      yield* sink.flush
      assert.deepStrictEqual(account.rejected, { tooOld: 1, tooNew: 1, expired: 0, invalid: 0 })
      assert.deepInclude(account, { offered: 20, delivered: 18, failedRequests: 0, repeated: 0 })
      assert.deepStrictEqual(assertExact(), { distinct: 18, duplicates: 0 })
      assert.deepStrictEqual(events().map(({ seq }) => seq).filter((seq) => seq === 1 || seq === 10), [])
      assert.strictEqual(puts().length, 3)
    }))
})

describe("nothing is lost", () => {
  const cases: ReadonlyArray<readonly [Fault, "never twice" | "perhaps twice"]> = [
    ["throttle", "never twice"],
    ["500", "perhaps twice"],
    ["503", "perhaps twice"],
    ["resetBeforeRead", "perhaps twice"],
    ["resetAfterStore", "perhaps twice"],
    ["hang", "perhaps twice"],
    ["streamDeleted", "never twice"],
    ["expiredToken", "never twice"],
    ["skewed", "never twice"],
    ["noRequestId", "perhaps twice"]
  ]
  for (const [fault, twice] of cases) {
    it.live(`when calls meet ${fault}`, () =>
      Effect.gen(function*() {
        const { account, assertDelivered, controls, fake, offerMany, puts, sink } = yield* setUp({
          fake: onPuts(fault, 2, 3, 5, 6),
          sink: { batchBytes: 3_000, requestTimeout: "500 millis" }
        })
        offerMany(1)
        yield* sink.flush
        for (let round = 0; round < 5; round++) {
          offerMany(50)
          yield* sink.flush
        }
        assert.strictEqual(puts().filter((call) => call.fault === fault).length, 4)
        const { duplicates } = assertDelivered()
        assert.strictEqual(account.repeated > 0, twice === "perhaps twice")
        assert.strictEqual(duplicates > 0, fault === "resetAfterStore" || fault === "noRequestId")
        if (fault !== "streamDeleted") {
          assert.strictEqual(account.failedRequests, 4)
          assert.isAtMost(controls().length, 2)
        }
        assert.isUndefined(account.failure)
        assert.isTrue(fake.calls.every(({ operation }) => !operation.startsWith("Describe")))
      }))
  }

  it.live("when answers are slow, and nothing is sent twice", () =>
    Effect.gen(function*() {
      const { account, assertDelivered, offerMany, sink } = yield* setUp({
        fake: { ...onPuts("slow", 0, 1, 2, 3, 4), slowMillis: 100 },
        sink: { batchBytes: 3_000 }
      })
      offerMany(200)
      yield* sink.flush
      assert.deepStrictEqual(assertDelivered(), { duplicates: 0 })
      assert.deepInclude(account, { failedRequests: 0, repeated: 0 })
    }))

  it.live("when answers come later than they are waited for, and what was taken is known as ambiguous", () =>
    Effect.gen(function*() {
      const { account, assertDelivered, offerMany, sink } = yield* setUp({
        fake: { ...onPuts("slow", 1), slowMillis: 20_000 },
        sink: { requestTimeout: "200 millis" }
      })
      offerMany(20)
      yield* sink.flush
      assert.deepStrictEqual(assertDelivered(), { duplicates: 20 })
      assert.deepInclude(account, { failedRequests: 1, repeated: 20 })
    }))

  it.live("when the stream is deleted in the middle of a run: one batch creates it again", () =>
    Effect.gen(function*() {
      const { assertDelivered, controls, fake, offerMany, sink } = yield* setUp({ sink: { batchBytes: 3_000 } })
      offerMany(20)
      yield* sink.flush
      fake.deleteStream(group, stream)
      offerMany(500)
      yield* sink.flush
      assert.deepStrictEqual(assertDelivered(), { duplicates: 0 })
      assert.deepStrictEqual(controls().map(({ operation }) => operation), ["CreateLogStream", "CreateLogStream"])
    }))

  it.live("when batches find the stream missing after one has created it: they do not create it again", () =>
    Effect.gen(function*() {
      const { assertDelivered, controls, offerMany, sink } = yield* setUp({
        fake: { ...onPuts("slow", 1, 2, 3), slowMillis: 200 },
        sink: { batchBytes: 1_000 }
      })
      offerMany(100)
      yield* sink.flush
      assert.deepStrictEqual(assertDelivered(), { duplicates: 0 })
      assert.strictEqual(controls().length, 1)
    }))

  it.live("when the group is deleted in the middle of a run", () =>
    Effect.gen(function*() {
      const { assertDelivered, controls, fake, offerMany, sink } = yield* setUp()
      offerMany(20)
      yield* sink.flush
      fake.deleteGroup(group)
      offerMany(20)
      yield* sink.flush
      assertDelivered()
      assert.deepStrictEqual(controls().map(({ operation }) => operation), [
        "CreateLogStream",
        "CreateLogStream",
        "CreateLogGroup",
        "CreateLogStream"
      ])
    }))

  it.live("when creating the stream fails too", () =>
    Effect.gen(function*() {
      const faults: Array<Fault> = ["expiredToken", "throttle", "500", "resetBeforeRead", "hang"]
      const { assertDelivered, controls, offerMany, sink } = yield* setUp({
        fake: { fault: ({ operation }) => operation === "CreateLogStream" ? faults.shift() : undefined },
        sink: { requestTimeout: "500 millis" }
      })
      offerMany(20)
      yield* sink.flush
      assertDelivered()
      assert.deepStrictEqual(controls().map(({ status }) => status), [400, 400, 500, "reset", "hang", 200])
    }))

  it.live("when creating the stream fails unanswered, and nothing counts as sent twice", () =>
    Effect.gen(function*() {
      const faults: Array<Fault> = ["500", "resetBeforeRead", "throttle"]
      const { account, assertDelivered, offerMany, sink } = yield* setUp({
        fake: { fault: ({ operation }) => operation === "CreateLogStream" ? faults.shift() : undefined }
      })
      offerMany(20)
      yield* sink.flush
      assert.deepStrictEqual(assertDelivered(), { duplicates: 0 })
      assert.deepInclude(account, { failedRequests: 3, repeated: 0 })
    }))

  it.live("when CloudWatch cannot be reached from the start, and again later, for as long as the buffer holds", () =>
    Effect.gen(function*() {
      const { account, assertDelivered, fake, offerMany, said, sink } = yield* setUp({ sink: { batchBytes: 3_000 } })
      for (let outage = 0; outage < 2; outage++) {
        fake.outage = true
        offerMany(500)
        const failedBefore = account.failedRequests
        yield* until(() => account.failedRequests > failedBefore + 8 && account.failure !== undefined)
        assert.strictEqual(Ledger.unaccounted(account), 0)
        fake.outage = false
        yield* sink.flush
        assert.isUndefined(account.failure)
      }
      offerMany(10)
      yield* sink.flush
      assertDelivered()
      assert.include(said[0], "logs cannot be delivered for now")
      assert.include(said[1], "logs are delivered again")
    }))

  for (const [direction, skew] of [["behind", 3 * hour], ["ahead", -3 * hour]] as const) {
    it.live(`when this machine's clock is 3 hours ${direction}: after the first answer nothing is refused`, () =>
      Effect.gen(function*() {
        const { account, assertDelivered, events, fake, offerMany, sink } = yield* setUp({
          fake: { now: () => Date.now() + skew },
          sink: { batchBytes: 3_000 }
        })
        const refused = () => fake.calls.filter(({ error }) => error === "InvalidSignatureException")
        offerMany(10)
        yield* sink.flush
        assert.strictEqual(refused().length, 1)
        const rejectedBefore = Ledger.rejectedOf(account)
        offerMany(500)
        yield* sink.flush
        assert.strictEqual(refused().length, 1)
        assert.deepStrictEqual([rejectedBefore, Ledger.rejectedOf(account)], [0, 0])
        assert.deepStrictEqual(assertDelivered(), { duplicates: 0 })
        const now = Date.now() + skew
        assert.isTrue(fake.allEvents().every(({ timestamp }) => Math.abs(timestamp - now) < 5 * minute))
        assert.strictEqual(events().length, 510)
      }))
  }

  it.live("when the clock was wrong and the credentials expire: the new client knows the right time", () =>
    Effect.gen(function*() {
      const { assertDelivered, fake, offerMany, sink } = yield* setUp({
        fake: { now: () => Date.now() + 3 * hour, ...onPuts("expiredToken", 3) }
      })
      for (let round = 0; round < 3; round++) {
        offerMany(10)
        yield* sink.flush
      }
      assertDelivered()
      assert.deepStrictEqual(
        fake.calls.map(({ error }) => error).filter((error) => error !== undefined),
        ["InvalidSignatureException", "ResourceNotFoundException", "ExpiredTokenException"]
      )
    }))
})

describe("expired credentials", () => {
  it.live("are resolved again, by a new client", () =>
    Effect.gen(function*() {
      let resolved = 0
      const server = yield* Effect.acquireRelease(
        Effect.promise(async () => {
          const server = createServer((_, response) => {
            response.end(
              JSON.stringify({
                AccessKeyId: `KEY${++resolved}`,
                SecretAccessKey: "secret",
                Token: "token",
                Expiration: new Date(Date.now() + hour)
              })
            )
          }).listen(0, "127.0.0.1")
          await once(server, "listening")
          return server
        }),
        (server) =>
          Effect.sync(() => {
            server.close()
            server.closeAllConnections()
          })
      )
      const { port } = server.address() as AddressInfo
      yield* withEnvironment({
        AWS_ACCESS_KEY_ID: undefined,
        AWS_SECRET_ACCESS_KEY: undefined,
        AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
        AWS_CONFIG_FILE: "/dev/null",
        AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${port}/`
      })
      const { assertDelivered, fake, offerMany, puts, sink } = yield* setUp({ fake: onPuts("expiredToken", 2) })
      const keys: Array<string | undefined> = []
      const seen = (message: unknown) => {
        const { request } = message as { readonly request: IncomingMessage }
        if (request.socket.localPort !== fake.port || !String(request.headers["x-amz-target"]).includes("Put")) return
        keys.push(/Credential=(\w+)/.exec(String(request.headers.authorization))?.[1])
      }
      yield* Effect.acquireRelease(
        Effect.sync(() => subscribe("http.server.request.start", seen)),
        () => Effect.sync(() => unsubscribe("http.server.request.start", seen))
      )
      for (let round = 0; round < 3; round++) {
        offerMany(10)
        yield* sink.flush
      }
      assertDelivered()
      assert.deepStrictEqual(puts().map(({ status }) => status), [400, 200, 400, 200, 200])
      assert.deepStrictEqual(keys, ["KEY1", "KEY1", "KEY1", "KEY2", "KEY2"])
      assert.strictEqual(resolved, 2)
    }))

  it.live("that cannot be resolved lose nothing: what was logged is delivered when there are some", () =>
    Effect.gen(function*() {
      yield* withEnvironment({
        AWS_ACCESS_KEY_ID: undefined,
        AWS_SECRET_ACCESS_KEY: undefined,
        AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
        AWS_CONFIG_FILE: "/dev/null",
        AWS_EC2_METADATA_DISABLED: "true"
      })
      const { account, assertDelivered, fake, offerMany, sink } = yield* setUp()
      offerMany(10)
      yield* until(() => account.failure !== undefined)
      assert.deepStrictEqual(fake.calls, [])
      yield* withEnvironment({ AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" })
      yield* sink.flush
      assert.deepStrictEqual(assertDelivered(), { duplicates: 0 })
      assert.strictEqual(account.repeated, 0)
    }))
})

describe("a log group that is missing", () => {
  const operations = (calls: ReadonlyArray<{ readonly operation: string }>) => calls.map(({ operation }) => operation)
  const created = ["CreateLogStream", "CreateLogGroup", "PutRetentionPolicy", "CreateLogStream"]

  it.live("is created, with its retention, and the stream in it", () =>
    Effect.gen(function*() {
      const { account, assertDelivered, controls, offerMany, sink } = yield* setUp({
        create: false,
        sink: { retentionDays: 30 }
      })
      offerMany(20)
      yield* sink.flush
      assert.deepStrictEqual(assertDelivered(), { duplicates: 0 })
      assert.deepStrictEqual(operations(controls()), created)
      assert.strictEqual(account.failedRequests, 0)
    }))

  it.live("is created once, however many batches find it missing", () =>
    Effect.gen(function*() {
      const { assertDelivered, controls, offerMany, sink } = yield* setUp({
        create: false,
        fake: { delay: 20 },
        sink: { retentionDays: 30, batchBytes: 1_000 }
      })
      offerMany(500)
      yield* sink.flush
      assertDelivered()
      assert.deepStrictEqual(operations(controls()), created)
    }))

  it.live("gets its retention with a later batch when it could not be set at once, and is written to meanwhile", () =>
    Effect.gen(function*() {
      let refusals = 3
      const { account, assertDelivered, controls, offerMany, sink } = yield* setUp({
        create: false,
        fake: {
          fault: ({ operation }) => operation === "PutRetentionPolicy" && refusals-- > 0 ? "throttle" : undefined
        },
        sink: { retentionDays: 30 }
      })
      const retentions = () => controls().filter(({ operation }) => operation === "PutRetentionPolicy")
      for (const expected of [1, 2, 2, 3, 3, 3, 3, 4, 4, 4]) {
        offerMany(20)
        yield* sink.flush
        yield* until(() => retentions().length >= expected && account.failedRequests === Math.min(expected, 3))
        assert.strictEqual(retentions().length, expected)
      }
      assert.deepStrictEqual(retentions().map(({ status }) => status), [400, 400, 400, 200])
      assert.deepStrictEqual(assertDelivered(), { duplicates: 0 })
    }))

  it.live("keeps the retention it has when somebody else created it meanwhile", () =>
    Effect.gen(function*() {
      const test = yield* setUp({ create: false, sink: { retentionDays: 30 } })
      test.fake.fault = ({ operation }) => {
        if (operation === "CreateLogGroup") test.fake.createGroup(group)
        return undefined
      }
      test.offerMany(20)
      yield* test.sink.flush
      test.assertDelivered()
      assert.strictEqual(test.account.failedRequests, 0)
      assert.deepStrictEqual(operations(test.controls()), ["CreateLogStream", "CreateLogGroup", "CreateLogStream"])
    }))

  it.live("that is not missing is left as it is", () =>
    Effect.gen(function*() {
      const { assertDelivered, controls, offerMany, sink } = yield* setUp({ sink: { retentionDays: 30 } })
      offerMany(20)
      yield* sink.flush
      assertDelivered()
      assert.deepStrictEqual(operations(controls()), ["CreateLogStream"])
    }))
})

describe("an outage longer than the buffer holds", () => {
  it.live("loses the least important lines first, and says so in the stream once it is over", () =>
    Effect.gen(function*() {
      const { account, assertExact, events, fake, offer, offerMany, sink } = yield* setUp({
        sink: { maxBufferedBytes: 100_000, batchBytes: 10_000 }
      })
      fake.outage = true
      for (let index = 0; index < 2_000; index++) {
        offerMany(1, { level: index % 10 === 0 ? "Error" : index % 2 === 0 ? "Debug" : "Info" })
        assert.isAtMost(account.bufferedBytes, 100_000)
        assert.strictEqual(Ledger.unaccounted(account), 0)
      }
      yield* until(() => account.failure !== undefined)
      const dropped = account.dropped.overflow
      assert.isAbove(dropped, 500)
      fake.outage = false
      yield* sink.flush
      offer({ message: "the end" })
      yield* sink.flush
      const gaps = events().filter(({ message }) => message.includes("the buffer was full"))
      assert.strictEqual(gaps.reduce((sum, gap) => sum + (gap.dropped ?? 0), 0), account.dropped.overflow)
      assert.isTrue(gaps.every(({ dropped, level, reasons }) => level === "WARN" && reasons?.overflow === dropped))
      const { distinct } = assertExact()
      assert.strictEqual(distinct, account.offered - account.dropped.overflow)
      assert.strictEqual(events().filter(({ level }) => level === "ERROR").length, 200)
      assert.strictEqual(sink.dropped(), account.dropped.overflow)
    }))
})

describe("closing the scope", () => {
  it.live("drains everything", () =>
    Effect.gen(function*() {
      const { account, assertDelivered, close, offerMany, said } = yield* setUp({
        fake: onPuts("throttle", 0, 1),
        sink: { flushInterval: "1 minute", batchBytes: 50_000 }
      })
      offerMany(5_000)
      yield* close
      assertDelivered()
      assert.strictEqual(account.delivered, 5_000)
      assert.deepStrictEqual(said, [])
    }))

  it.live("ends at the deadline while CloudWatch does not answer, and says how many lines are lost, exactly", () =>
    Effect.gen(function*() {
      let puts = 0
      const { account, assertExact, close, fake, offerMany, said, sink } = yield* setUp({
        fake: { fault: ({ operation }) => operation === "PutLogEvents" && puts++ >= 10 ? "hang" : undefined },
        sink: { drainDeadline: "300 millis", batchBytes: 10_000 }
      })
      offerMany(3_000)
      yield* until(() => fake.calls.filter(({ status }) => status === "hang").length === 4)
      yield* close
      const { distinct } = assertExact()
      assert.isAbove(distinct, 0)
      assert.isAbove(account.dropped.deadline, 0)
      assert.deepInclude(account, { offered: 3_000, delivered: distinct, buffered: 0, inFlight: 0 })
      assert.strictEqual(account.dropped.deadline, 3_000 - distinct)
      assert.include(said.at(-1), `${3_000 - distinct} logs were not delivered`)
      offerMany(5)
      assert.strictEqual(account.dropped.afterClose, 5)
      yield* sink.flush
      assert.strictEqual(Ledger.unaccounted(account), 0)
    }))

  it.live("ends at the deadline while CloudWatch cannot be reached", () =>
    Effect.gen(function*() {
      const { account, close, fake, offerMany } = yield* setUp({ sink: { drainDeadline: "300 millis" } })
      fake.outage = true
      offerMany(1_000)
      yield* close
      assert.deepInclude(account, { offered: 1_000, delivered: 0, buffered: 0, inFlight: 0 })
      assert.strictEqual(account.dropped.deadline, 1_000)
    }))

  it.live("makes no call when nothing was logged", () =>
    Effect.gen(function*() {
      const { close, fake } = yield* setUp()
      yield* close
      assert.deepStrictEqual(fake.calls, [])
    }))
})
