import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Schema } from "effect"
import { delay, longest } from "../../src/services/Backoff.ts"
import { Kind } from "../../src/services/DeliveryError.ts"

const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000)

const between = (minimum: number, maximum: number) =>
  Arbitrary.schema(Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum, maximum }))))

const attempts = (kind: Kind, count: number, random = 1) =>
  Array.from({ length: count }, (_, index) => delay(kind, index + 1, random))

describe("Backoff", () => {
  it("doubles from 200 ms to half a minute", () => {
    for (const kind of ["transient", "missing", "invalid"] as const) {
      assert.deepStrictEqual(attempts(kind, 10), [200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000])
    }
  })

  it("doubles from a second where the service throttles or refuses who asks", () => {
    for (const kind of ["throttle", "auth"] as const) {
      assert.deepStrictEqual(attempts(kind, 7), [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
    }
  })

  it("is spread over all of that from nothing", () => {
    assert.deepStrictEqual(attempts("transient", 3, 0), [0, 0, 0])
    assert.deepStrictEqual(attempts("transient", 3, 0.25), [50, 100, 200])
  })

  it.effect(`is never less than nothing nor more than the longest, however many attempts (seed ${seed})`, () =>
    Effect.gen(function*() {
      const result = yield* Arbitrary.checkEffect(
        Arbitrary.all([Arbitrary.schema(Kind), between(1, 2000), between(0, 1_000_000)]),
        ([kind, attempt, millionths]) => {
          const random = millionths / 1_000_000
          const wait = delay(kind, attempt, random)
          assert.isAtLeast(wait, 0)
          assert.isAtMost(wait, random * longest)
          assert.isAtMost(wait, delay(kind, attempt + 1, random))
          return true
        },
        { seed, runs: 2000 }
      )
      assert.isUndefined(Arbitrary.formatCheckFailure(result))
    }))
})
