import { assert, describe, it } from "@effect/vitest"
import { Config, Effect } from "effect"
import * as StackSettings from "../../src/layers/StackSettings.ts"

const queueUrl = { Ref: "Queue" }

describe("the settings that an app declares and its stack's outputs", () => {
  it.effect("fit when each has an output or a default", () =>
    Effect.gen(function*() {
      const declared = {
        QueueUrl: Config.URL("QueueUrl"),
        Limit: Config.Int("Limit"),
        Language: Config.String("Language").pipe(Config.withDefault("en")),
        Token: Config.Redacted("Token").pipe(Config.withDefault(undefined))
      }
      const outputs = { QueueUrl: queueUrl, Limit: { Value: 10 }, Unasked: "x" }
      assert.deepStrictEqual(yield* StackSettings.check(declared, outputs), [])
    }))

  it.effect("do not fit, which is said of all of them", () =>
    Effect.gen(function*() {
      const problems = yield* StackSettings.check({
        QueueUrl: Config.URL("QueueUrl"),
        Pair: Config.all([Config.String("First"), Config.String("Second")]),
        Limit: Config.Int("Limit"),
        ApiKey: Config.Redacted("ApiKey"),
        Password: Config.Redacted("Password")
      }, { First: "1", Limit: "ten", ApiKey: { Ref: "Key" }, Password: "hunter2" })
      assert.strictEqual(problems.length, 5, problems.join("\n"))
      assert.include(problems[0], "setting QueueUrl has no default, and the stack no output QueueUrl")
      assert.include(problems[1], "setting Pair has no default, and the stack no output Second")
      assert.match(problems[2] ?? "", /^output Limit is "ten", expected /)
      assert.include(problems[3], "setting ApiKey is a secret")
      assert.include(problems[4], "setting Password is a secret")
      assert.notInclude(problems.join(), "hunter2")
    }))
})
