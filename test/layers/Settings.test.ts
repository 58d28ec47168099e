import { assert, describe, it } from "@effect/vitest"
import { Clock, Config, Duration, Effect, Fiber, Random, Schedule } from "effect"
import { TestClock } from "effect/testing"
import { setImmediate } from "node:timers/promises"
import * as Settings from "../../src/layers/Settings.ts"
import type { SettingsError } from "../../src/services/Settings.ts"

const ec2 = { "/sys/class/dmi/id/sys_vendor": "Amazon EC2" }
const named = { "aws:cloudformation:stack-name": "orders-prod" }

interface Options {
  readonly env?: Readonly<Record<string, string>>
  readonly files?: Readonly<Record<string, string>>
  readonly tags?: Readonly<Record<string, string>> | Error
  readonly outputs?: Readonly<Record<string, string>>
  readonly task?: string
  /** What each attempt to describe the stack fails with, until they are used up. */
  readonly failures?: ReadonlyArray<Error>
}

const makePlatform = ({ env = {}, failures = [], files = {}, outputs = {}, tags = {}, task }: Options) => {
  const described: Array<{ readonly stack: string; readonly region: unknown }> = []
  let asked = 0
  const platform: Settings.Platform = {
    signs: { env, read: (path) => files[path] },
    metadata: async () => {
      asked++
      if (tags instanceof Error) throw tags
      return { region: async () => "eu-central-1", tags: async () => tags }
    },
    task: async () => {
      asked++
      if (task === undefined) throw new Error("timed out")
      return { region: "eu-west-3", task }
    },
    outputsOf: async (stack, { region }) => {
      described.push({ stack, region })
      const failure = failures[described.length - 1]
      if (failure !== undefined) throw failure
      return outputs
    }
  }
  return { platform, described, asked: () => asked }
}

const sdkError = (name: string, httpStatusCode: number) =>
  Object.assign(new Error(name), { name, $metadata: { httpStatusCode } })

/** Lets promises and the clock go on, in turns, until the effect has ended. */
const untilDone = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(effect)
    while (fiber.pollUnsafe() === undefined) {
      yield* Effect.promise(() => setImmediate())
      yield* TestClock.adjust("250 millis")
    }
    return yield* Fiber.join(fiber)
  })

describe("discovery", () => {
  it.effect("asks nobody off AWS", () =>
    Effect.gen(function*() {
      const { asked, described, platform } = makePlatform({ env: { PORT: "1" } })
      const { kind, values } = yield* Settings.discover({}, {}, platform)
      assert.deepStrictEqual([kind, values.port, asked(), described.length], ["local", 1, 0, 0])
    }))

  it.effect("takes a flag over a variable over a tag over an output over the default", () =>
    Effect.gen(function*() {
      const { described, platform } = makePlatform({
        env: { LOG_LEVEL: "warn", PORT: "2" },
        files: ec2,
        // What people call their machines is no setting.
        tags: {
          ...named,
          LogLevel: "debug",
          Port: "3",
          LogGroup: "/tagged",
          Environment: "production",
          Stack: "web tier"
        },
        outputs: {
          SettingsMode: "whatever",
          LogLevel: "trace",
          Port: "4",
          LogGroup: "/output",
          MetricsNamespace: "Orders",
          QueueUrl: "https://q"
        }
      })
      const { kind, region, sources, values, warning } = yield* Settings.discover({ port: "1" }, {}, platform)
      assert.deepStrictEqual(
        [values.port, values.logLevel, values.logGroup, values.metricsNamespace, values.adminPort],
        [1, "Warn", "/tagged", "Orders", 9990]
      )
      assert.deepStrictEqual([kind, region, sources.stack, warning], ["ec2", "eu-central-1", "orders-prod", undefined])
      assert.deepStrictEqual(described, [{ stack: "orders-prod", region: "eu-central-1" }])
    }))

  it.effect("describes the stack it is told, with the Region it is told", () =>
    Effect.gen(function*() {
      const { asked, described, platform } = makePlatform({
        env: { AWS_REGION: "eu-west-2", ECS_CONTAINER_METADATA_URI_V4: "http://169.254.170.2/v4/abc" },
        outputs: { LogGroup: "/output" }
      })
      const { kind, values } = yield* Settings.discover({ stack: "mine" }, {}, platform)
      assert.deepStrictEqual([kind, values.logGroup, asked()], ["ecs", "/output", 1])
      assert.deepStrictEqual(described.map(({ stack }) => stack), ["mine"])
    }))

  it.effect("asks an instance that it is told to be only where it is told whom", () =>
    Effect.gen(function*() {
      const told = makePlatform({})
      const { kind, warning } = yield* Settings.discover({ environment: "ec2" }, {}, told.platform)
      assert.deepStrictEqual([kind, warning, told.asked()], ["ec2", undefined, 0])
      const mocked = makePlatform({ env: { AWS_EC2_METADATA_SERVICE_ENDPOINT: "http://127.0.0.1:1338" }, tags: named })
      const { sources } = yield* Settings.discover({ environment: "ec2" }, {}, mocked.platform)
      assert.deepStrictEqual([sources.stack, mocked.asked()], ["orders-prod", 1])
    }))

  it.effect("learns a task's Region and id from the task, and does without where it says nothing", () =>
    Effect.gen(function*() {
      const env = { ECS_CONTAINER_METADATA_URI_V4: "http://169.254.170.2/v4/abc" }
      const { instance, region } = yield* Settings.discover({}, {}, makePlatform({ env, task: "158d1c80" }).platform)
      assert.deepStrictEqual([region, instance], ["eu-west-3", "158d1c80"])
      const silent = yield* Settings.discover({}, {}, makePlatform({ env }).platform)
      assert.deepStrictEqual([silent.region, silent.instance, silent.warning], [undefined, undefined, undefined])
    }))

  it.effect("has nothing to look up where the instance has no stack", () =>
    Effect.gen(function*() {
      const { described, platform } = makePlatform({ files: ec2 })
      const { values, warning } = yield* Settings.discover({}, {}, platform)
      assert.deepStrictEqual([values.port, described.length, warning], [8080, 0, undefined])
    }))

  it.effect("starts with a warning where the instance says nothing of itself", () =>
    Effect.gen(function*() {
      const { platform } = makePlatform({ files: ec2, tags: new Error("timed out") })
      const { values, warning } = yield* Settings.discover({}, {}, platform)
      assert.strictEqual(values.port, 8080)
      assert.include(warning, "timed out")
    }))

  it.effect("waits while CloudFormation throttles or fails", () =>
    Effect.gen(function*() {
      const throttled = sdkError("Throttling", 400)
      const { described, platform } = makePlatform({
        files: ec2,
        tags: named,
        outputs: { Port: "4" },
        failures: [throttled, sdkError("InternalFailure", 500), throttled]
      })
      const { values } = yield* untilDone(Settings.discover({ "discovery-deadline": "60s" }, {}, platform))
      assert.deepStrictEqual([values.port, described.length], [4, 4])
    }).pipe(Random.withSeed("throttled")))

  for (
    const [why, failures] of [
      ["the stack does not exist", [sdkError("ValidationError", 400)]],
      ["nothing came by the deadline", Array.from({ length: 1_000 }, () => sdkError("Throttling", 400))]
    ] as const
  ) {
    it.effect(`fails because ${why}, or starts with a warning where told`, () =>
      Effect.gen(function*() {
        const options = { files: ec2, tags: named, failures }
        const error = yield* Effect.flip(untilDone(Settings.discover({}, {}, makePlatform(options).platform)))
        assert.strictEqual(error._tag, "SettingsUnavailable")
        assert.include(error.message, "orders-prod")
        assert.include(error.message, "--settings=optional")
        assert.include(error.message, failures[0]?.message ?? "")
        const { values, warning } = yield* untilDone(
          Settings.discover({ "settings": "optional" }, {}, makePlatform(options).platform)
        )
        assert.strictEqual(values.port, 8080)
        assert.include(warning, "orders-prod")
      }))
  }

  it.effect("reports bad outputs with all other problems", () =>
    Effect.gen(function*() {
      const { platform } = makePlatform({ files: ec2, tags: { ...named, Port: "x" }, outputs: { LogGroup: "aws/no" } })
      const error = yield* Effect.flip(Settings.discover({}, {}, platform))
      assert.include(error.message, `port is "x" in instance tag Port`)
      assert.include(error.message, `logGroup is "aws/no" in output LogGroup of stack orders-prod`)
    }))

  it.effect("reports what is missing and what is bad in one go, each with every source that was asked", () =>
    Effect.gen(function*() {
      const options = {
        env: { PORT: "abc" },
        files: ec2,
        tags: named,
        outputs: { Greeting: "hello", LogLevel: "loud" }
      }
      const declared = { Greeting: Config.String("Greeting"), QueueUrl: Config.URL("QueueUrl") }
      const error = yield* Effect.flip(Settings.discover({}, declared, makePlatform(options).platform))
      assert.deepStrictEqual(error.message.split("\n"), [
        `port is "abc" in environment variable PORT, expected a port from 0 (any free one) to 65535; ` +
        "tried --port, environment variable PORT",
        `logLevel is "loud" in output LogLevel of stack orders-prod, expected one of trace, debug, info, warn, error, ` +
        "fatal, none; tried --log-level, environment variable LOG_LEVEL, instance tag LogLevel, " +
        "output LogLevel of stack orders-prod",
        "QueueUrl is missing, expected string; tried environment variable QueueUrl, environment variable QUEUE_URL, " +
        "instance tag QueueUrl, output QueueUrl of stack orders-prod"
      ])
      const unclear = yield* Effect.flip(
        Settings.discover({ environment: "moon", port: "x" }, declared, makePlatform({}).platform)
      )
      const names = (error: Settings.SettingsUnavailable | SettingsError) =>
        "problems" in error ? error.problems.map(({ setting }) => setting) : []
      assert.deepStrictEqual(names(unclear), ["port", "environment", "Greeting", "QueueUrl"])
    }))

  it.effect("waits on AWS until a load balancer has seen that the service drains", () =>
    Effect.gen(function*() {
      const on = (files: Record<string, string>, env = {}) =>
        Effect.map(Settings.discover({}, {}, makePlatform({ env, files }).platform), ({ report, values }) => [
          Duration.toSeconds(values.lameduck),
          report.settings.find(({ setting }) => setting === "lameduck")?.value
        ])
      assert.deepStrictEqual(yield* on({}), [0, "0s"])
      assert.deepStrictEqual(yield* on(ec2), [5, "5s"])
      assert.deepStrictEqual(yield* on(ec2, { LAMEDUCK: "1s" }), [1, "1s"])
    }))
})

describe("a fleet that starts at once", () => {
  it.effect("is all ready within a minute, though CloudFormation takes five calls a second", () =>
    Effect.gen(function*() {
      const clock = yield* Clock.Clock
      let tokens = 5
      let filledAt = clock.currentTimeMillisUnsafe()
      let calls = 0
      const outputsOf = async () => {
        calls++
        const now = clock.currentTimeMillisUnsafe()
        tokens = Math.min(5, tokens + (now - filledAt) / 1000 * 5)
        filledAt = now
        if (tokens < 1) throw sdkError("Throttling", 400)
        tokens--
        return { LogGroup: "/fleet" }
      }
      const { platform } = makePlatform({ files: ec2, tags: named })
      const host = Settings.discover({}, {}, { ...platform, outputsOf }).pipe(
        // What a unit does with a service that ended: start it again.
        Effect.retry(Schedule.spaced("1 second")),
        Effect.andThen(Clock.currentTimeMillis)
      )
      const startedAt = clock.currentTimeMillisUnsafe()
      const ready = yield* untilDone(Effect.all(Array.from({ length: 200 }, () => host), { concurrency: "unbounded" }))
      const last = Math.max(...ready) - startedAt
      console.log(`200 hosts: ${calls} calls, the last ready after ${last / 1000} s`)
      assert.isAtMost(last, 60_000)
    }).pipe(Random.withSeed("fleet")))
})
