import * as Result from "effect/Result"

/**
 * How long each step of an end takes, and what the load balancer must be told so that nobody notices. All in seconds.
 *
 * @category models
 * @since 1.1.0
 */
export interface DrainTiming {
  /** How long the service goes on, not ready: until the balancer has noticed. */
  readonly lameduck: number
  /** How often the balancer asks `/readyz`, and how long it waits for the answer. */
  readonly interval: number
  readonly timeout: number
  /** How many answers in a row change its mind. */
  readonly unhealthyThreshold: number
  readonly healthyThreshold: number
  /** How long the balancer leaves a target what it already asked of it. */
  readonly deregistrationDelay: number
  /** How long from SIGTERM the process may take before it is killed. */
  readonly stopTimeout: number
  /** How long after its first `ready` a target surely gets requests. */
  readonly settle: number
}

// The shortest that there is: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
const interval = 5
const timeout = 2
const threshold = 2

const margin = 5

// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-target-groups.html
const longestDelay = 3600

// https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html (stopTimeout)
const longestOnFargate = 120

/**
 * Computes the timing from the deadlines of the service, in seconds.
 *
 * **Details**
 *
 * The lameduck delay is the balancer's interval times its threshold, unless a longer one is asked for. Requests that the
 * balancer sent before it noticed have the shutdown deadline: so the deregistration delay is both together. The process
 * needs the flush deadline on top of it. Fails with all that does not fit.
 *
 * @category constructors
 * @since 1.1.0
 * @example
 * ```ts
 * make({ shutdownDeadline: 10, flushDeadline: 10 }, "ec2") // lameduck 10, deregistrationDelay 20, stopTimeout 35
 * ```
 */
export const make = (
  deadlines: {
    readonly lameduck?: number | undefined
    readonly shutdownDeadline: number
    readonly flushDeadline: number
  },
  target: "ec2" | "ecs"
): Result.Result<DrainTiming, ReadonlyArray<string>> => {
  const noticed = interval * threshold
  const lameduck = Math.ceil(deadlines.lameduck ?? noticed)
  const deregistrationDelay = lameduck + Math.ceil(deadlines.shutdownDeadline)
  const stopTimeout = deregistrationDelay + Math.ceil(deadlines.flushDeadline) + margin
  const problems = [
    ...(lameduck < noticed
      ? [
        `lameduck ${lameduck}s is too short: the balancer notices after ${noticed}s (${threshold} checks of ${interval}s)`
      ]
      : []),
    ...(deregistrationDelay > longestDelay
      ? [
        `lameduck and shutdown-deadline take ${deregistrationDelay}s: the balancer waits ${longestDelay}s; shorten one`
      ]
      : []),
    ...(target === "ecs" && stopTimeout > longestOnFargate
      ? [
        `lameduck, shutdown-deadline and flush-deadline take ${stopTimeout}s with ${margin}s to spare: ` +
        `Fargate kills after ${longestOnFargate}s; shorten one`
      ]
      : [])
  ]
  return problems.length > 0 ? Result.fail(problems) : Result.succeed({
    lameduck,
    interval,
    timeout,
    unhealthyThreshold: threshold,
    healthyThreshold: threshold,
    deregistrationDelay,
    stopTimeout,
    settle: interval * (threshold + 1)
  })
}
