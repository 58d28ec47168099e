import { assert, describe, it } from "@effect/vitest"
import * as HealthDocument from "../../src/services/HealthDocument.ts"
import { makeAccount } from "../../src/services/Ledger.ts"

const account = { ...makeAccount("logs"), offered: 3, delivered: 1, buffered: 2, failure: "ECONNREFUSED" }

const document = HealthDocument.make({
  service: "orders",
  version: "1.1.abcdef",
  environment: "local",
  instance: "host/1",
  state: "ready",
  startedAt: Date.UTC(2026, 10, 23),
  now: Date.UTC(2026, 10, 24, 1, 2, 3),
  report: {
    status: "warn",
    checks: { mail: [{ status: "warn", critical: false, consecutiveFailures: 2, output: "refused" }] }
  },
  ledger: [account],
  logs: [
    { timestamp: 0, level: "Info", line: `{"timestamp":"t1","level":"INFO","message":"first"}` },
    { timestamp: 1, level: "Warn", line: `{"timestamp":"t2","level":"WARN","message":"second","sku":"a","n":{"x":1}}` }
  ],
  metrics: [
    { name: "a_bytes", unit: "Bytes", timestamp: 0, dimensions: {}, values: [1 / 3], counts: [1] },
    { name: "b", unit: "None", timestamp: 0, dimensions: { kind: "x" }, values: [1, 2], counts: [1, 7] }
  ]
})

describe("the health document", () => {
  it("has the members of application/health+json, the entries and the metrics", () => {
    assert.deepInclude(document, {
      status: "warn",
      releaseId: "1.1.abcdef",
      serviceId: "orders",
      uptimeSeconds: 90_123
    })
    assert.deepStrictEqual(document.logs.map(({ message }) => message), ["first", "second"])
    assert.deepStrictEqual(document.ledger, [account])
    assert.deepInclude(document.metrics[0], { name: "a_bytes", time: "1970-01-01T00:00:00.000Z" })
  })

  it("sums up a distribution of many values", () => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index)
    const [[, , shown] = []] = HealthDocument.toPage({
      ...document,
      metrics: [{ name: "h", unit: "Seconds", time: "t", dimensions: {}, values, counts: values.map(() => 2) }]
    }).metrics.rows
    assert.strictEqual(shown, "200 values: p50 50, p99 99, max 100 Seconds")
  })

  it("is laid out for people, newest first, with readable numbers", () => {
    const page = HealthDocument.toPage(document)
    assert.strictEqual(page.uptime, "1d 1h 2m 3s")
    assert.deepStrictEqual(page.checks.rows, [["mail", "warn", "no", "never", "", "2", "refused"]])
    assert.deepStrictEqual(page.ledger.rows, [
      ["logs", "3", "1", "0", "0", "2", "0", "logs: 3 offered, 1 delivered, 2 buffered; ECONNREFUSED"]
    ])
    assert.deepStrictEqual(page.logs.rows, [["t2", "WARN", `second sku=a n={"x":1}`], ["t1", "INFO", "first"]])
    assert.deepStrictEqual(page.metrics.rows.map(([, ...rest]) => rest), [["b kind=x", "1 2×7"], [
      "a_bytes",
      "0.333333 Bytes"
    ]])
  })
})
