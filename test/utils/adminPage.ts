import type * as AdminPage from "../../src/services/AdminPage.ts"
import { historySize } from "../../src/services/Health.ts"
import * as HealthDocument from "../../src/services/HealthDocument.ts"
import type * as History from "../../src/services/History.ts"
import { makeAccount } from "../../src/services/Ledger.ts"
import type { OperationStats } from "../../src/services/OperationHistory.ts"

const wave = (length: number, height: number) =>
  Array.from({ length }, (_, index) => height * (1.1 + Math.sin(index / 4) + Math.sin(index * 1.7) / 3))

const stats = (operation: string, more: Partial<OperationStats> = {}): OperationStats => ({
  operation,
  method: "GET",
  answers: 1200,
  errors: 3,
  perSecond: 4,
  p50: 0.0034,
  p99: 0.25,
  rates: wave(60, 4),
  ...more
})

export const parts: HealthDocument.Parts = {
  service: "orders",
  version: "1.1.abcdef",
  environment: "ec2",
  instance: "i-0123456789abcdef0",
  state: "ready",
  startedAt: Date.UTC(2026, 10, 23),
  now: Date.UTC(2026, 10, 24, 1, 2, 3),
  armed: undefined,
  logLevel: { level: "info", default: "info", changes: [] },
  report: {
    status: "fail",
    checks: {
      database: [{
        status: "fail",
        critical: true,
        description: "orders and their items",
        time: "2026-11-24T01:02:00.000Z",
        ageMilliseconds: 3000,
        observedValue: 2000,
        observedUnit: "ms",
        consecutiveFailures: 4,
        history: [...Array.from({ length: 16 }, () => "pass" as const), "fail", "fail", "fail", "fail"],
        output: "no answer within 2 s"
      }],
      stock: [{
        status: "pass",
        critical: false,
        time: "2026-11-24T01:02:00.000Z",
        ageMilliseconds: 400,
        observedValue: 12,
        observedUnit: "ms",
        consecutiveFailures: 0,
        history: ["pass"]
      }],
      mail: [{ status: "warn", critical: false, consecutiveFailures: 0, output: "not checked yet" }]
    }
  },
  ledger: [{
    ...makeAccount("logs"),
    offered: 100_300,
    delivered: 100_000,
    buffered: 288,
    dropped: { overflow: 12, deadline: 0, afterClose: 0, ambiguous: 0 },
    failure: "connect ECONNREFUSED 10.0.0.7:443"
  }, { ...makeAccount("metrics"), offered: 420, delivered: 420 }],
  logs: [
    { timestamp: 0, level: "Info", line: `{"timestamp":"2026-11-24T01:01:59.120Z","level":"INFO","message":"first"}` },
    {
      timestamp: 1,
      level: "Warn",
      line: `{"timestamp":"2026-11-24T01:02:00.001Z","level":"WARN","message":"second","sku":"a","order":{"x":1}}`
    },
    {
      timestamp: 2,
      level: "Error",
      line: `{"timestamp":"2026-11-24T01:02:01.001Z","level":"ERROR","message":"third","cause":"Error: no\\n  at f"}`
    }
  ],
  metrics: [
    { name: "upload_bytes", unit: "Bytes", timestamp: 0, dimensions: {}, values: [3 * 2 ** 20], counts: [1] },
    { name: "b", unit: "None", timestamp: 60_000, dimensions: { kind: "x" }, values: [1, 2], counts: [1, 7] }
  ],
  operations: [
    stats("orders.get"),
    stats("orders.place", { method: "POST", answers: 5, errors: 0, perSecond: 0.02, p50: 1.2e-5, p99: 3 }),
    stats("livez", { answers: 60, errors: 0 })
  ]
}

const vitals: History.Vitals = {
  loop: wave(60, 0.1),
  delay: wave(60, 0.01),
  cpu: wave(60, 0.3),
  heap: wave(60, 2 ** 25),
  rss: wave(60, 2 ** 27),
  gc: wave(60, 0.01)
}

export const page: AdminPage.AdminPage = {
  document: HealthDocument.make(parts),
  history: { seconds: 302, operations: parts.operations, vitals, series: () => wave(60, 20) },
  settings: {
    settings: [
      { setting: "port", value: "8080", source: "default" },
      { setting: "logGroup", value: "/shop/orders", source: "output LogGroup of stack shop" },
      { setting: "ApiKey", value: "<redacted>", source: "environment variable API_KEY" }
    ],
    stack: "shop",
    otherOutputs: ["TableName"]
  },
  serviceUrl: "http://localhost:8080"
}

/** A page of which every text is as long as it gets, and of the most expensive characters. */
export const worst = (text: string): AdminPage.AdminPage => {
  const many = <A>(count: number, make: (index: number) => A) =>
    Array.from({ length: count }, (_, index) => make(index))
  const long = text.repeat(Math.ceil(5000 / text.length))
  const operations = many(200, (index) => stats(`${index}${long}`, { method: long }))
    .concat(many(50, (index) => stats(`admin/${index}${long}`)))
  return {
    document: HealthDocument.make({
      ...parts,
      service: long,
      version: long,
      environment: long,
      instance: long,
      logLevel: {
        level: "debug",
        default: "info",
        changes: many(50, () => ({ level: "debug", name: long, since: long, until: long, by: long }))
      },
      armed: { until: 0, reason: long },
      report: {
        status: "fail",
        checks: Object.fromEntries(many(100, (index) => [`${index}${long}`, [{
          status: "fail",
          critical: false,
          description: long,
          time: "2026-11-24T01:02:00.000Z",
          ageMilliseconds: 1e9,
          observedValue: 1999,
          observedUnit: "ms",
          consecutiveFailures: 99,
          history: many(historySize, (index) => index % 2 === 0 ? "fail" as const : "pass" as const),
          output: long
        }]]))
      },
      ledger: many(20, (index) => ({
        ...makeAccount(`${index}${long}`),
        offered: 2 ** 53,
        delivered: 2 ** 53,
        buffered: 2 ** 53,
        inFlight: 2 ** 53,
        repeated: 2 ** 53,
        rejected: { tooOld: 2 ** 50, tooNew: 2 ** 50, expired: 2 ** 50, invalid: 2 ** 50 },
        dropped: { overflow: 2 ** 50, deadline: 2 ** 50, afterClose: 2 ** 50, ambiguous: 2 ** 50 },
        failure: long
      })),
      logs: many(10, () => ({
        timestamp: 0,
        level: "Fatal",
        line: JSON.stringify({
          timestamp: "2026-11-24T01:02:00.000Z",
          level: "FATAL",
          message: long,
          ...Object.fromEntries(many(100, (index) => [`${index}${long}`, index % 2 === 0 ? long : { [long]: long }]))
        })
      })),
      metrics: many(10, (index) => ({
        name: `${index}${long}`,
        unit: "None",
        timestamp: 0,
        dimensions: { [long]: long },
        values: many(150, (index) => index / 3),
        counts: many(150, () => 12_345)
      })),
      operations
    }),
    history: {
      seconds: 305,
      operations,
      vitals: { ...vitals, loop: many(60, (index) => index % 2), delay: many(60, (index) => (index % 2) * 1e3) },
      series: () => many(60, (index) => (index % 2) * 1e9)
    },
    settings: {
      settings: many(300, (index) => ({
        setting: `${index}${long}`,
        value: long,
        source: index % 2 === 0 ? "default" : long
      })),
      stack: long,
      otherOutputs: many(500, () => long)
    },
    serviceUrl: "http://localhost:8080"
  }
}
