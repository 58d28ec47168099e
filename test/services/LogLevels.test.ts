import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Result } from "effect"
import { describe as inWords, levelOf, make, parse, type State, toJson } from "../../src/services/LogLevels.ts"

const change = (level: State["base"], name?: string) => ({ level, name, since: 0, until: 60_000, by: "127.0.0.1" })

describe("what is asked of the log level", () => {
  it("is a level in any case, for ten minutes unless said, for everything unless named", () => {
    assert.deepStrictEqual(
      Result.getOrThrow(parse({ level: "DEBUG" })),
      { level: "Debug", name: undefined, lasting: Duration.minutes(10) }
    )
    assert.deepStrictEqual(
      Result.getOrThrow(parse({ level: "warning", for: "24h", name: "db" })),
      { level: "Warn", name: "db", lasting: Duration.hours(24) }
    )
    assert.isUndefined(Result.getOrThrow(parse({ level: "default" })).level)
  })

  it("is refused with all that is wrong at once", () => {
    assert.deepStrictEqual(
      Result.flip(parse({ for: "25h", name: "", colour: "red" })),
      Result.succeed([
        `level is "", expected one of trace, debug, info, warn, error, fatal, none, or default`,
        `for is "25h", expected more than 0 and at most 24h`,
        `name is "", expected 1 to 200 characters: the name of a span, an operation or a logger`,
        `colour is "red", expected only level, for and name`
      ])
    )
    for (const level of ["constructor", "__proto__"]) assert.isTrue(Result.isFailure(parse({ level })), level)
    for (const length of ["0s", "-1m", "1 day", "Infinity", 5]) {
      assert.isTrue(Result.isFailure(parse({ level: "debug", for: length })), String(length))
    }
  })
})

describe("the level of a line", () => {
  const state: State = {
    base: "Info",
    changes: [change("Debug", "db"), change("Error", "db.query"), change("Trace", "db.query.slow"), change("Warn")]
  }

  it("is that of the longest name that has one, its own or one above it, else the one for everything", () => {
    assert.strictEqual(levelOf(state, ["db"]), "Debug")
    assert.strictEqual(levelOf(state, ["db.connect"]), "Debug")
    assert.strictEqual(levelOf(state, ["db.query"]), "Error")
    assert.strictEqual(levelOf(state, ["db.query.slow.one"]), "Trace")
    assert.strictEqual(levelOf(state, ["orders", "db.query", "db"]), "Error")
    assert.strictEqual(levelOf(state, ["dbx", "x.db", ""]), "Warn")
    assert.strictEqual(levelOf({ base: "Info", changes: [] }, ["db"]), "Info")
  })

  it.effect("follows the changes, one for each name, until they end", () =>
    Effect.gen(function*() {
      const levels = make("Warn")
      const apply = (level: State["base"] | undefined, name?: string) =>
        levels.apply({ level, name, lasting: Duration.minutes(1) }, "::1")
      assert.deepStrictEqual([levels.changed, levels.minimum], [false, "Warn"])
      yield* apply("Debug")
      yield* apply("Trace", "db")
      yield* apply("Error", "db")
      assert.deepStrictEqual([levels.changed, levels.minimum], [true, "All"])
      assert.deepStrictEqual([levels.admits("Debug", []), levels.admits("Warn", ["db"])], [true, false])
      assert.strictEqual((yield* apply(undefined)).length, 2)
      assert.deepStrictEqual([levels.changed, levels.minimum], [true, "Warn"])
      assert.deepStrictEqual([levels.admits("Info", []), levels.admits("Warn", [])], [false, true])
    }))

  it("is said in words", () => {
    assert.strictEqual(inWords(toJson({ base: "Info", changes: [] })), "info")
    assert.strictEqual(
      inWords(toJson({ base: "Info", changes: [change("Debug", "db"), change("Error")] })),
      "debug for db until 1970-01-01T00:01:00Z (127.0.0.1); " +
        "error for everything until 1970-01-01T00:01:00Z (127.0.0.1); then info"
    )
  })
})
