import { assert, describe, it } from "@effect/vitest"
import { createHash } from "node:crypto"
import * as HealthPage from "../../src/services/HealthPage.ts"

const empty = { headings: ["A"], rows: [], empty: "nothing" }

const page: HealthPage.Page = {
  service: "orders",
  version: "1.1.abcdef",
  status: "warn",
  state: "ready",
  environment: "local",
  instance: "host/1",
  startedAt: "2026-11-23T12:00:00.000Z",
  uptime: "3s",
  links: [{ text: "metrics", href: "/metrics" }],
  checks: { headings: ["Check", "Status"], rows: [["database", "fail"]], empty: "none" },
  ledger: { headings: ["Account"], rows: [["logs of orders"]], empty: "none" },
  logs: empty,
  metrics: empty
}

describe("the health page", () => {
  it("allows its style sheet by the hash it really has", () => {
    assert.strictEqual(HealthPage.styleHash, createHash("sha256").update(HealthPage.style).digest("base64"))
    assert.include(HealthPage.render(page), `<style>${HealthPage.style}</style>`)
  })

  it("shows all its parts, and says where there is nothing to show", () => {
    const html = HealthPage.render(page)
    for (
      const part of [
        "orders",
        "1.1.abcdef",
        "3s",
        "local",
        "host/1",
        "database",
        "logs of orders",
        `class="fail"`,
        "nothing"
      ]
    ) {
      assert.include(html, part)
    }
  })

  it("escapes whatever it is given", () => {
    const evil = `<script>"'&`
    const html = HealthPage.render({
      ...page,
      service: evil,
      version: evil,
      links: [{ text: evil, href: evil }],
      checks: { headings: [evil], rows: [[evil]], empty: evil },
      logs: { ...empty, empty: evil }
    })
    assert.notInclude(html, "<script")
    assert.notInclude(html, `"'&`)
  })
})
