import { describe, it } from "@effect/vitest"
import { Effect, Fiber, Random } from "effect"
import { assert } from "vitest"
import * as Ledger from "../../src/services/Ledger.ts"
import type { Fault } from "../utils/FakeCloudWatch.ts"
import { setUp } from "../utils/logSink.ts"

process.env["AWS_ACCESS_KEY_ID"] = "test"
process.env["AWS_SECRET_ACCESS_KEY"] = "test"

const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000)
const seconds = Number(process.env["SOAK_SECONDS"] ?? 10)
const rate = Number(process.env["SOAK_RATE"] ?? 5_000)
const share = 0.3

const faults: ReadonlyArray<Fault> = [
  "throttle",
  "500",
  "503",
  "resetBeforeRead",
  "resetAfterStore",
  "hang",
  "slow",
  "streamDeleted",
  "expiredToken",
  "noRequestId",
  "skewed"
]

const levels = ["Debug", "Info", "Info", "Info", "Warn", "Error"] as const

/** mulberry32: the same numbers for the same seed. */
const randomOf = (seed: number) => {
  let state = seed
  return () => {
    state = state + 0x6d2b79f5 | 0
    let mixed = Math.imul(state ^ state >>> 15, 1 | state)
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32
  }
}

const pick = <A>(values: ReadonlyArray<A>, random: number): A | undefined => values[Math.floor(random * values.length)]

const countBy = (values: ReadonlyArray<string>) => {
  const counts: Record<string, number> = {}
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1
  return counts
}

describe(`a soak of ${seconds} s at ${rate} lines a second, ${share * 100} % faults (seed ${seed})`, () => {
  it.live("loses nothing, counts exactly, and repeats only what nobody acknowledged", () =>
    Effect.gen(function*() {
      // One for each side of the wire, which take turns as they happen to.
      const [chance, random] = [randomOf(seed), randomOf(seed + 1)]
      const { account, assertDelivered, fake, offer, sink } = yield* setUp({
        fake: { fault: () => chance() < share ? pick(faults, chance()) : undefined, slowMillis: 150 },
        sink: { flushInterval: "100 millis", requestTimeout: "1 second", batchBytes: 64 * 1024 }
      })
      const filler = "x".repeat(600)
      let samples = 0
      let most = 0
      const sample = () => {
        samples++
        most = Math.max(most, account.bufferedBytes)
        assert.strictEqual(Ledger.unaccounted(account), 0)
      }

      // The clock of the machine decides how many are due, so that a busy one offers as many.
      const start = performance.now()
      const total = rate * seconds
      for (let offered = 0; offered < total;) {
        const due = Math.min(total, Math.ceil((performance.now() - start) / 1000 * rate))
        for (; offered < due; offered++) {
          offer({ level: pick(levels, random()) ?? "Info", annotations: { filler: filler.slice(0, random() * 400) } })
          if (offered % 100 === 0) sample()
        }
        sample()
        yield* Effect.sleep(5)
      }

      const faulted = fake.calls.flatMap(({ fault }) => fault ?? [])
      fake.fault = undefined
      const flushed = yield* Effect.forkChild(sink.flush)
      while (flushed.pollUnsafe() === undefined) {
        sample()
        yield* Effect.sleep(5)
      }
      yield* Fiber.join(flushed)

      const { duplicates } = assertDelivered()
      assert.strictEqual(account.offered, total)
      assert.isUndefined(account.failure)
      const control = fake.calls.filter(({ operation }) => operation !== "PutLogEvents").length
      console.log(
        `soak (SEED=${seed} SOAK_SECONDS=${seconds} SOAK_RATE=${rate}): ${Ledger.describe(account)}; ` +
          `0 lost, ${duplicates} there twice; ${fake.calls.length} calls, ${control} of them control calls, ` +
          `${faulted.length} faults ${JSON.stringify(countBy(faulted))}; ` +
          `at most ${most} bytes buffered; the account was exact in ${samples} samples`
      )
      assert.isAbove(faulted.length, 0)
    }).pipe(Random.withSeed(seed)), { timeout: (seconds * 5 + 120) * 1000 })
})
