import { assert, describe, it } from "@effect/vitest"
import { Duration, Result } from "effect"
import { definitions, type Setting, type Values } from "../../src/services/SettingDefinitions.ts"
import { resolve } from "../../src/services/Settings.ts"

const read = (flags: Record<string, string>, env: Record<string, string> = {}): Values =>
  Result.getOrThrow(resolve({ flags, env }))

describe("settings", () => {
  it("take a flag over an environment variable over the default", () => {
    assert.strictEqual(read({}).port, 8080)
    assert.strictEqual(read({}, { PORT: "1" }).port, 1)
    assert.strictEqual(read({ port: "2" }, { PORT: "1" }).port, 2)
  })

  it("take an empty text as absent", () => {
    assert.strictEqual(read({ port: " " }, { PORT: "" }).port, 8080)
  })

  it("read what people type", () => {
    assert.strictEqual(read({ "log-level": "info" }).logLevel, "Info")
    assert.strictEqual(read({ "log-level": "WARNING" }).logLevel, "Warn")
    assert.strictEqual(read({ "log-format": "JSON" }).logFormat, "json")
    for (
      const [text, milliseconds] of [
        ["250ms", 250],
        ["10s", 10_000],
        ["1.5 m", 90_000],
        ["2H", 7_200_000],
        ["3", 3000],
        ["10 seconds", 10_000],
        ["1 Minute", 60_000],
        ["5 mins", 300_000]
      ] as const
    ) assert.strictEqual(Duration.toMillis(read({ lameduck: text }).lameduck), milliseconds)
    for (const text of ["10hs", "10ss", "10mss", "s", "10 minutess"]) {
      assert.isTrue(Result.isFailure(resolve({ flags: { lameduck: text }, env: {} })), text)
    }
  })

  it("take any common word for on and off", () => {
    for (const word of ["on", "TRUE", "yes", "1"]) assert.isTrue(read({ "metrics-instance": word }).metricsInstance)
    for (const word of ["OFF", "false", "No", "0"]) assert.isFalse(read({ "metrics-instance": word }).metricsInstance)
  })

  it("take for AWS only what AWS takes", () => {
    const values = read({
      environment: "EC2",
      "log-group": "/fleet/<service>",
      "log-retention": "never",
      "metrics-namespace": "Fleet/<service>",
      "metrics-resolution": "1",
      "metrics-instance": "on",
      "telemetry-buffer": "64MiB"
    })
    assert.deepInclude(values, {
      environment: "ec2",
      logGroup: "/fleet/<service>",
      logRetention: undefined,
      metricsNamespace: "Fleet/<service>",
      metricsResolution: 1,
      metricsInstance: true,
      telemetryBuffer: 64 * 2 ** 20
    })
    const bad = {
      environment: "lambda",
      "log-group": "aws/mine",
      "log-retention": "31",
      "metrics-namespace": "AWS/EC2",
      "metrics-resolution": "30",
      "metrics-instance": "maybe",
      "metrics-ambiguous": "guess",
      "telemetry-buffer": "1KiB"
    }
    const error = Result.getOrThrow(Result.flip(resolve({ flags: bad, env: {} })))
    assert.deepStrictEqual(error.problems.map(({ source }) => source), Object.keys(bad).map((flag) => `--${flag}`))
  })

  it("report every problem at once, each with its source, its value and what was expected", () => {
    const error = Result.getOrThrow(
      Result.flip(
        resolve({ flags: { port: "abc", lameduck: "soon" }, env: { ADMIN_PORT: "70000", LOG_LEVEL: "loud" } })
      )
    )
    assert.strictEqual(error.problems.length, 4)
    for (const part of ["--port", "\"abc\"", "--lameduck", "10s", "ADMIN_PORT", "65535", "LOG_LEVEL", "\"loud\""]) {
      assert.include(error.message, part)
    }
  })

  it("have defaults that they read themselves", () => {
    for (const definition of Object.values(definitions)) {
      const { fallback, fallbackOnAws = fallback, parse } = definition as Setting<unknown>
      for (const text of [fallback, fallbackOnAws]) assert.isTrue(Result.isSuccess(parse(text)))
    }
  })
})
