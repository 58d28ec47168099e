import { assert, describe, it } from "@effect/vitest"
import { Config, ConfigProvider, Duration, Effect, Schema } from "effect"
import { check, configProvider } from "../../src/layers/DeclaredSettings.ts"
import { SettingsError, type Sources } from "../../src/services/Settings.ts"

describe("an app's own settings", () => {
  it.effect("are variables as written or in constant case, then tags, then outputs", () =>
    Effect.gen(function*() {
      const provider = configProvider({
        flags: {},
        env: { Exact: "variable", QUEUE_URL: "constant" },
        tags: { Team: "tag", QueueUrl: "tag" },
        outputs: { TableName: "output", Team: "output", Exact: "output" }
      })
      const found = yield* Config.all(["Exact", "QueueUrl", "Team", "TableName"].map((name) => Config.String(name)))
        .pipe(
          Effect.provideService(ConfigProvider.ConfigProvider, provider)
        )
      assert.deepStrictEqual(found, ["variable", "constant", "tag", "output"])
    }))

  it.effect("are not hidden by a variable whose name goes on", () =>
    Effect.gen(function*() {
      const sources = {
        flags: {},
        env: { STOCK_URL: "http://elsewhere", Shop_x: "1", SHOP: "variable", Empty: "" },
        stack: "orders-prod",
        outputs: { Stock: "output", Empty: "output" }
      }
      const declared = { Stock: Config.withDefault(Config.String("Stock"), "default"), Shop: Config.String("Shop") }
      const { found } = yield* check(declared, sources)
      assert.deepStrictEqual(found.map(({ source, value }) => [value, source]), [
        ["output", "output Stock of stack orders-prod"],
        ["variable", "environment variable SHOP"]
      ])
      const read = yield* Effect.provideService(
        Config.all([declared.Stock, declared.Shop, Config.String("Empty")]),
        ConfigProvider.ConfigProvider,
        configProvider(sources)
      )
      assert.deepStrictEqual(read, ["output", "variable", "output"])
    }))

  it.effect("are shown without what they hide", () =>
    Effect.gen(function*() {
      const shown = (text: string, config: Config.Config<unknown> = Config.String("X")) =>
        Effect.map(check({ X: config }, { flags: {}, env: { X: text } }), ({ found }) => found[0]?.value)
      const key = Config.Redacted("X")
      assert.strictEqual(
        yield* shown("amqp://u:first@a,amqp://u:second@b"),
        "amqp://u:<redacted>@a,amqp://u:<redacted>@b"
      )
      assert.strictEqual(yield* shown("postgres://u:p@ss@h/db"), "postgres://u:<redacted>@h/db")
      assert.strictEqual(yield* shown("postgres://u:p,ss@h/db"), "<redacted>")
      assert.strictEqual(yield* shown("hunter2", Config.map(key, (key) => new Map([["key", key]]))), "<redacted>")
      assert.strictEqual(yield* shown("hunter2", Config.map(key, (key) => () => key)), "<redacted>")
      const circular: Record<string, unknown> = {}
      circular["self"] = circular
      assert.strictEqual(yield* shown("1", Config.map(Config.String("X"), () => circular)), "<redacted>")
      assert.strictEqual(yield* shown("12", Config.schema(Schema.BigInt, "X")), "12")
    }))

  const sources: Sources = {
    flags: {},
    env: { API_KEY: "hunter2hunter2", DATABASE_URL: "postgres://app:hunter2@db/orders", Empty: "", Retries: "3" },
    tags: { Team: "sail" },
    stack: "orders-prod",
    outputs: { Topic: "arn:aws:sns:eu-central-1:1:orders" }
  }

  it.effect("are reported with their sources, and never with what is secret", () =>
    Effect.gen(function*() {
      const { found, problems } = yield* check({
        ApiKey: Config.Redacted("ApiKey"),
        MaybeKey: Config.option(Config.Redacted("ApiKey")),
        Database: Config.URL("DatabaseUrl"),
        Team: Config.String("Team"),
        Topic: Config.NonEmptyString("Topic"),
        Retries: Config.Int("Retries"),
        Empty: Config.withDefault(Config.String("Empty"), "fallback"),
        Pause: Config.withDefault(Config.Duration("Pause"), Duration.seconds(3)),
        Both: Config.all({ team: Config.String("Team"), topic: Config.String("Topic") })
      }, sources)
      assert.deepStrictEqual(problems, [])
      const output = "output Topic of stack orders-prod"
      assert.deepStrictEqual(found.map(({ setting, source, value }) => [setting, value, source]), [
        ["ApiKey", "<redacted>", "environment variable API_KEY"],
        ["MaybeKey", "<redacted>", "environment variable API_KEY"],
        ["Database", "postgres://app:<redacted>@db/orders", "environment variable DATABASE_URL"],
        ["Team", "sail", "instance tag Team"],
        ["Topic", "arn:aws:sns:eu-central-1:1:orders", output],
        ["Retries", "3", "environment variable Retries"],
        ["Empty", "fallback", "default"],
        ["Pause", "3s", "default"],
        ["Both", `{"team":"sail","topic":"arn:aws:sns:eu-central-1:1:orders"}`, `instance tag Team, ${output}`]
      ])
    }))

  it.effect("that are missing or of no use are all reported, without their text, which may be a secret", () =>
    Effect.gen(function*() {
      const { problems } = yield* check({
        ApiKey: Config.schema(Schema.Redacted(Schema.String.pipe(Schema.check(Schema.isMinLength(20)))), "ApiKey"),
        Retries: Config.LogLevel("Retries"),
        Nowhere: Config.Port("Nowhere")
      }, { flags: {}, env: sources.env })
      const tried = (
        name: string,
        constant: string
      ) => [`environment variable ${name}`, `environment variable ${constant}`]
      assert.deepStrictEqual(problems, [
        {
          setting: "ApiKey",
          source: "environment variable API_KEY",
          expected: "a value with a length of at least 20",
          tried: tried("ApiKey", "API_KEY")
        },
        {
          setting: "Retries",
          source: "environment variable Retries",
          expected: `"All" | "Fatal" | "Error" | "Warn" | "Info" | "Debug" | "Trace" | "None"`,
          tried: ["environment variable Retries"]
        },
        { setting: "Nowhere", expected: "string", tried: tried("Nowhere", "NOWHERE") }
      ])
      assert.notInclude(new SettingsError({ problems }).message, "hunter2")
    }))
})
