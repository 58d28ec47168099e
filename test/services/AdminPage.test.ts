import { assert, describe, it } from "@effect/vitest"
import { createHash } from "node:crypto"
import * as AdminPage from "../../src/services/AdminPage.ts"
import * as Script from "../../src/services/AdminPageScript.ts"
import * as Style from "../../src/services/AdminPageStyle.ts"
import * as HealthDocument from "../../src/services/HealthDocument.ts"
import { page, parts, worst } from "../utils/adminPage.ts"

const hashOf = (text: string) => createHash("sha256").update(text).digest("base64")

const withParts = (changes: Partial<HealthDocument.Parts>): AdminPage.AdminPage => ({
  ...page,
  document: HealthDocument.make({ ...parts, ...changes })
})

const text = (html: string) =>
  html.replace(/<(style|script|title)>.*?<\/\1>/gs, "").replace(/<[^>]*>/g, " ").replace(/\s+/g, " ")

describe("the admin page", () => {
  it("allows its style sheet and its script by the hashes they really have, and nothing else", () => {
    assert.strictEqual(Style.styleHash, hashOf(Style.style))
    assert.strictEqual(Script.scriptHash, hashOf(Script.script))
    const html = AdminPage.render(page)
    assert.include(html, `<style>${Style.style}</style>`)
    assert.include(html, `<script>${Script.script}</script>`)
    assert.match(AdminPage.contentSecurityPolicy, /^default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-/)
    assert.notInclude(AdminPage.contentSecurityPolicy, "unsafe")
  })

  it("begins with the status and why it is so, the worst first", () => {
    const html = AdminPage.render(page)
    assert.match(
      text(html),
      /^ *Skip to the checks orders fail database : no answer within 2 s mail : not checked yet /
    )
    assert.include(html, "<title>fail · orders</title>")
    const passing = { checks: { one: [{ status: "pass" as const, critical: true, consecutiveFailures: 0 }] } }
    const why = (changes: Partial<HealthDocument.Parts>) => AdminPage.why(withParts(changes).document)
    assert.deepStrictEqual(why({ report: { status: "pass", ...passing } }), ["Its one check passes."])
    assert.deepStrictEqual(why({ report: { status: "pass", checks: {} } }), ["No checks are registered."])
    assert.deepStrictEqual(why({ state: "draining", report: { status: "pass", ...passing } }), [
      "It is draining.",
      "Its one check passes."
    ])
  })

  it("shows version, uptime, environment and instance", () => {
    assert.include(
      text(AdminPage.render(page)),
      "Version 1.1.abcdef Uptime 1 d 1 h, since 2026-11-23 00:00 UTC State ready Environment ec2 Instance i-0123456789abcdef0 Log level info"
    )
  })

  it("shows what changed of the log levels, and what is armed", () => {
    assert.notInclude(text(AdminPage.render(page)), "Armed")
    const change = { level: "debug", name: "orders", since: "", until: "2026-11-24T01:12:00.000Z", by: "127.0.0.1" }
    const told = text(AdminPage.render(withParts({
      logLevel: { level: "info", default: "info", changes: [change] },
      armed: { until: Date.UTC(2026, 10, 24, 1, 12), reason: "a leak" }
    })))
    assert.include(told, "Log level debug for orders until 2026-11-24T01:12:00Z (127.0.0.1); then info")
    assert.include(told, "Armed until 2026-11-24 01:12 UTC: a leak")
  })

  it("shows each check with its age, how long it took and its history", () => {
    const html = AdminPage.render(page)
    assert.match(
      text(html),
      /database orders and their items no answer within 2 s fail 3 s ago 2 s stock not critical|database/
    )
    assert.include(text(html), "database orders and their items no answer within 2 s fail 3 s ago 2 s")
    assert.include(text(html), "stock not critical pass just now 12 ms")
    assert.include(html, `aria-label="4 of the last 20 failed"`)
  })

  it("shows operations with rate, errors and percentiles, those of the chassis apart", () => {
    const html = text(AdminPage.render(page))
    assert.include(html, "orders.get GET 4/s 3 0.25 % 3.4 ms 250 ms")
    assert.include(html, "orders.place POST 1.2/min 0 12 µs 3 s")
    assert.match(html, /Probes, documents and this listener .* livez GET/)
  })

  it("shows the last log entries newest first, each with all its fields", () => {
    const html = text(AdminPage.render(page))
    assert.match(html, /01:02:01\.001 ERROR third .* 01:02:00\.001 WARN second .* 01:01:59\.120 INFO first/)
    assert.include(html, `sku a order {&quot;x&quot;:1}`)
  })

  it("shows the last metrics newest first, with units people read and a line of their last minutes", () => {
    const html = AdminPage.render(page)
    assert.match(text(html), /b kind=x 1 2 × 7 .*upload_bytes 3 MiB/)
    assert.match(html, /aria-label="from [-\d.]+ to [\d.]+"/)
  })

  it("sums up a metric of many values", () => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index)
    const counts = values.map(() => 2)
    const html = text(AdminPage.render(withParts({
      metrics: [{ name: "h", unit: "Seconds", timestamp: 0, dimensions: {}, values, counts }]
    })))
    assert.include(html, "200 values p50 50 s · p99 99 s · max 100 s")
  })

  it("shows the ledger, with what was lost and why", () => {
    assert.include(
      text(AdminPage.render(page)),
      "logs 12 dropped (overflow) connect ECONNREFUSED 10.0.0.7:443 100,300 100,000 0 12 288 0"
    )
  })

  it("shows every setting with its source, those that were set first", () => {
    const html = text(AdminPage.render(page))
    assert.match(
      html,
      /logGroup \/shop\/orders output LogGroup of stack shop ApiKey &lt;redacted&gt; environment variable API_KEY 1 at/
    )
    assert.include(html, "port 8080 default")
    assert.include(html, "Other outputs of the stack: TableName")
  })

  it("draws how the process is", () => {
    const html = AdminPage.render(page)
    for (
      const title of [
        "Event loop busy",
        "Longest delay",
        "CPU, of a core",
        "Heap in use",
        "Resident memory",
        "Garbage collection"
      ]
    ) {
      assert.match(html, new RegExp(`aria-label="${title}: from [^"]+ to [^"]+, now [^"]+"><path d="M-1 41V`))
    }
  })

  it("leads to the other diagnostics, and to the operations where they are served", () => {
    const html = AdminPage.render(page)
    for (
      const href of [
        "/debug/pprof/",
        "/debug/fibers",
        "/metrics",
        "/logs",
        "/ledger",
        "/settings",
        "http://localhost:8080/docs",
        "http://localhost:8080/openapi.json"
      ]
    ) {
      assert.include(html, `href="${href}"`)
    }
  })

  it("says where there is nothing to show", () => {
    const html = text(AdminPage.render({
      ...withParts({
        report: { status: "pass", checks: {} },
        ledger: [],
        logs: [],
        metrics: [],
        operations: []
      }),
      history: {
        seconds: 0,
        operations: [],
        vitals: { loop: [], delay: [], cpu: [], heap: [], rss: [], gc: [] },
        series: () => undefined
      },
      settings: { settings: [], stack: undefined, otherOutputs: [] }
    }))
    for (
      const said of [
        "No checks are registered.",
        "No operation was called yet.",
        "Nothing was logged yet.",
        "No metrics were posted yet",
        "Nothing is delivered anywhere",
        "Everything has its default.",
        "known soon"
      ]
    ) {
      assert.include(html, said)
    }
    assert.notMatch(html, /NaN|Infinity|undefined/)
  })

  it("escapes whatever it is given", () => {
    const evil = `</script></style><script>alert(1)</script>"'&<img src=x onerror=alert(1)>`
    const html = AdminPage.render(worst(evil))
    const [, body = ""] = html.split("</style>")
    assert.strictEqual(html.match(/<script/g)?.length, 1)
    assert.notInclude(html, "<img")
    assert.notMatch(body.replace(/<script>.*/s, ""), /["']'&/)
  })

  it("stays below 100 kB whatever was logged, measured or checked", () => {
    for (const character of ["<", "\"", "é", "語", "😀", "a", "\ud800"]) {
      const bytes = Buffer.byteLength(AdminPage.render(worst(character)))
      assert.isBelow(bytes, 100_000, character)
      assert.isAbove(bytes, 30_000)
    }
  })
})
