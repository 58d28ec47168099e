import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as DrainTiming from "../../src/services/DrainTiming.ts"

const seconds = { shutdownDeadline: 10, flushDeadline: 10 }

describe("the timing of an end", () => {
  it("is lameduck until the balancer has noticed, and kills nobody who keeps their deadlines", () => {
    for (const target of ["ec2", "ecs"] as const) {
      for (let shutdownDeadline = 0; shutdownDeadline <= 30; shutdownDeadline += 7.5) {
        for (const lameduck of [undefined, 10, 25.5]) {
          const timing = Result.getOrThrow(DrainTiming.make({ lameduck, shutdownDeadline, flushDeadline: 10 }, target))
          assert.isAtLeast(timing.lameduck, timing.interval * timing.unhealthyThreshold)
          assert.isAtLeast(timing.lameduck, lameduck ?? 0)
          assert.isAtLeast(timing.deregistrationDelay, timing.lameduck + shutdownDeadline)
          assert.isAbove(timing.stopTimeout, timing.deregistrationDelay + 10)
          assert.isAbove(timing.settle, timing.interval * timing.healthyThreshold)
          assert.isBelow(timing.timeout, timing.interval)
          assert.isTrue(Object.values(timing).every(Number.isInteger))
        }
      }
    }
  })

  it("has the lameduck delay that the health check needs, unless told", () => {
    assert.deepStrictEqual(Result.getOrThrow(DrainTiming.make(seconds, "ec2")), {
      lameduck: 10,
      interval: 5,
      timeout: 2,
      unhealthyThreshold: 2,
      healthyThreshold: 2,
      deregistrationDelay: 20,
      stopTimeout: 35,
      settle: 15
    })
  })

  it("is refused when the balancer would send requests to a closed door, or Fargate would kill too early", () => {
    const refused = (lameduck: number, target: "ec2" | "ecs") =>
      Result.match(DrainTiming.make({ ...seconds, lameduck }, target), { onFailure: String, onSuccess: () => "taken" })
    assert.include(refused(9, "ec2"), "lameduck 9s is too short: the balancer notices after 10s")
    assert.strictEqual(refused(96, "ec2"), "taken")
    assert.strictEqual(refused(95, "ecs"), "taken")
    assert.include(refused(96, "ecs"), "take 121s with 5s to spare: Fargate kills after 120s")
  })
})
