import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as DeliveryReport from "../../src/layers/DeliveryReport.ts"
import * as Ledger from "../../src/services/Ledger.ts"

describe("what is said of delivery", () => {
  it.effect("is said of a new outage also when the clock was set back since the last", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const report = yield* Effect.provideService(
        DeliveryReport.make(Ledger.makeAccount("logs")),
        DeliveryReport.Write,
        (line) => void lines.push(String((JSON.parse(line) as { readonly message: string }).message))
      )
      yield* TestClock.setTime(24 * 3_600_000)
      report("first")
      report("again")
      report(undefined)
      yield* TestClock.setTime(18 * 3_600_000)
      report("second")
      assert.deepStrictEqual(lines, [
        "logs cannot be delivered for now: first",
        "logs are delivered again",
        "logs cannot be delivered for now: second"
      ])
    }))
})
