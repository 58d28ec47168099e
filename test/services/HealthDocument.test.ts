import { assert, describe, it } from "@effect/vitest"
import * as HealthDocument from "../../src/services/HealthDocument.ts"
import { makeAccount } from "../../src/services/Ledger.ts"

const account = { ...makeAccount("logs"), offered: 3, delivered: 1, buffered: 2, failure: "ECONNREFUSED" }

const stats = { operation: "orders.get", method: "GET", answers: 2, errors: 1, perSecond: 0.1, p50: 0.2, p99: 0.3 }

const parts: HealthDocument.Parts = {
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
  armed: undefined,
  ledger: [account],
  logLevel: { level: "info", default: "info", changes: [] },
  logs: [
    { timestamp: 0, level: "Info", line: `{"timestamp":"t1","level":"INFO","message":"first"}` },
    { timestamp: 1, level: "Warn", line: `{"timestamp":"t2","level":"WARN","message":"second","sku":"a","n":{"x":1}}` }
  ],
  metrics: [
    { name: "a_bytes", unit: "Bytes", timestamp: 0, dimensions: {}, values: [1 / 3], counts: [1] },
    { name: "b", unit: "None", timestamp: 0, dimensions: { kind: "x" }, values: [1, 2], counts: [1, 7] }
  ],
  operations: [{ ...stats, rates: [1, 2, 3] }]
}

const document = HealthDocument.make(parts)

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

  it("has what the operations did, and what is armed once somebody tells", () => {
    assert.deepStrictEqual(document.operations, [stats])
    assert.isUndefined(document.armed)
    assert.deepStrictEqual(HealthDocument.make({ ...parts, armed: { until: 0, reason: "a leak" } }).armed, {
      until: "1970-01-01T00:00:00.000Z",
      reason: "a leak"
    })
  })
})
