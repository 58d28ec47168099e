import { assert, describe, it } from "@effect/vitest"
import { Config, ConfigProvider, Effect, Fiber, Layer, Random, Stream } from "effect"
import { TestClock } from "effect/testing"
import { configProvider } from "../../src/layers/DeclaredSettings.ts"
import * as Logger from "../../src/layers/Logger.ts"
import * as OutputsLayer from "../../src/layers/Outputs.ts"
import * as Logs from "../../src/services/Logs.ts"
import * as LogSink from "../../src/services/LogSink.ts"
import { layerMemory, Outputs, OutputsMemory } from "../../src/services/Outputs.ts"
import * as Recent from "../../src/services/Recent.ts"

const logging = Logger.layer.pipe(
  Layer.provideMerge(Logs.layer),
  Layer.provideMerge(Layer.mergeAll(Recent.layer, LogSink.layerMemory))
)

const messages = Effect.map(
  LogSink.LogSinkMemory,
  ({ events }) => events.map(({ line }) => (JSON.parse(line) as { message: string }).message)
)

describe("the outputs of a stack", () => {
  it.effect("are read again, tell what changed, and keep what vanished", () =>
    Effect.gen(function*() {
      const live: Record<string, string> = { QueueUrl: "one", Gone: "last" }
      let found: Effect.Effect<Record<string, string>, string> = Effect.succeed({ QueueUrl: "one", Gone: "last" })
      yield* Effect.gen(function*() {
        const outputs = yield* Outputs
        const queue = Config.String("QueueUrl").pipe(
          Effect.provideService(
            ConfigProvider.ConfigProvider,
            configProvider({ flags: {}, env: {}, outputs: live })
          )
        )
        const changes = yield* Effect.forkChild(Stream.runCollect(Stream.take(outputs.changes, 2)))
        yield* TestClock.adjust("6 minutes")
        assert.strictEqual(yield* queue, "one")
        found = Effect.fail("throttled")
        yield* TestClock.adjust("12 minutes")
        assert.deepStrictEqual(outputs.current(), { QueueUrl: "one", Gone: "last" })
        found = Effect.succeed({ QueueUrl: "two", New: "x" })
        yield* TestClock.adjust("12 minutes")
        assert.deepStrictEqual(yield* Fiber.join(changes), [
          { name: "QueueUrl", before: "one", value: "two" },
          { name: "New", before: undefined, value: "x" }
        ])
        assert.strictEqual(yield* queue, "two")
        assert.deepStrictEqual(outputs.current(), { QueueUrl: "two", Gone: "last", New: "x" })
      }).pipe(Effect.provide(OutputsLayer.layer(live, Effect.suspend(() => found))))
      assert.deepStrictEqual(yield* messages, [
        "the stack's outputs could not be read again throttled",
        "the output Gone is gone from the stack; its last value stays",
        "the output QueueUrl changed",
        "the output New changed"
      ])
    }).pipe(Effect.provide(logging), Random.withSeed("outputs")))

  it.effect("are those a test sets", () =>
    Effect.gen(function*() {
      const outputs = yield* Outputs
      const memory = yield* OutputsMemory
      const changes = yield* Effect.forkChild(Stream.runCollect(Stream.take(outputs.changes, 1)))
      yield* Effect.yieldNow
      yield* memory.set({ QueueUrl: "test" })
      assert.deepStrictEqual(outputs.current(), { QueueUrl: "test" })
      assert.deepStrictEqual(yield* Fiber.join(changes), [{ name: "QueueUrl", before: undefined, value: "test" }])
    }).pipe(Effect.provide(layerMemory)))
})
