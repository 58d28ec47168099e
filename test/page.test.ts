import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import axe from "axe-core"
import { spawnSync } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core"
import * as AdminPage from "../src/services/AdminPage.ts"
import * as HealthDocument from "../src/services/HealthDocument.ts"
import { page as failing, parts, worst } from "./utils/adminPage.ts"
import { type Service, start } from "./utils/service.ts"

const executablePath = "/usr/bin/chromium"

// Where CI is set, the browser must be there.
const present = spawnSync(executablePath, ["--version"]).status === 0 || process.env["CI"] !== undefined

const kept = process.env["ARTEFACTS"]
const artefacts = kept ?? mkdtempSync(join(tmpdir(), "keelson-page-"))

const args = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync"
]

const looks = (["light", "dark"] as const).flatMap((colorScheme) =>
  [375, 1280].map((width) => ({ colorScheme, width, name: `${width}-${colorScheme}` }))
)

const passing: AdminPage.AdminPage = {
  ...failing,
  document: HealthDocument.make({
    ...parts,
    report: {
      status: "pass",
      checks: { stock: parts.report.checks["stock"] ?? [] }
    },
    ledger: []
  })
}

const empty: AdminPage.AdminPage = {
  document: HealthDocument.make({
    ...parts,
    state: "starting",
    report: { status: "warn", checks: { database: [{ status: "warn", critical: true, consecutiveFailures: 0 }] } },
    ledger: [],
    logs: [],
    metrics: [],
    operations: [],
    armed: { until: parts.now + 540_000, reason: "a leak" }
  }),
  history: {
    seconds: 1,
    operations: [],
    vitals: { loop: [], delay: [], cpu: [], heap: [], rss: [], gc: [] },
    series: () => undefined
  },
  settings: { settings: [], stack: undefined, otherOutputs: [] }
}

/** Serves what `current` is as an admin listener does, with a log in which nothing happens. */
const gallery = async (first: AdminPage.AdminPage) => {
  const state = { current: first, pages: 0 }
  const server = createServer((request, response) => {
    if (request.url?.startsWith("/logs") === true) {
      response.writeHead(200, { "content-type": "text/event-stream" })
      response.write("retry: 100\n\n")
      return
    }
    state.pages++
    response.writeHead(200, {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": AdminPage.contentSecurityPolicy
    }).end(AdminPage.render(state.current))
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return Object.assign(state, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => {
      server.close()
      server.closeAllConnections()
    }
  })
}

describe.runIf(present)("the admin page, in Chromium", { timeout: 120_000 }, () => {
  let browser: Browser
  const services: Array<Service> = []

  beforeAll(async () => {
    mkdirSync(artefacts, { recursive: true })
    browser = await chromium.launch({ executablePath, args })
  })

  afterAll(async () => {
    await browser.close()
    // Those of tests that failed.
    for (const service of services) service.signal("SIGKILL")
    if (kept === undefined) rmSync(artefacts, { recursive: true })
  })

  /** Opens a page; whatever its console says is a problem, and so is a dialog. */
  const open = async (url: string, options: BrowserContextOptions = {}) => {
    const context = await browser.newContext(options)
    const page = await context.newPage()
    const problems: Array<string> = []
    page.on("console", (message) => problems.push(message.text()))
    page.on("pageerror", (error) => problems.push(error.message))
    page.on("dialog", (dialog) => {
      problems.push(`dialog ${dialog.message()}`)
      void dialog.dismiss()
    })
    await page.goto(url)
    return { page, problems, close: () => context.close() }
  }

  const textOf = (page: Page, selector: string) => page.locator(selector).innerText()

  /** Waits until `expression` holds in the page; the test's own time-out is the limit. */
  const until = async (page: Page, expression: string) => {
    while (!(await page.evaluate<unknown>(expression))) await page.evaluate("new Promise(requestAnimationFrame)")
  }

  const violations = async (page: Page): Promise<ReadonlyArray<string>> => {
    await page.evaluate(axe.source)
    const { violations } = await page.evaluate<axe.AxeResults>("axe.run()")
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`))
  }

  const serve = async (env: Record<string, string> = {}) => {
    const service = await start({
      file: new URL("./fixtures/page.ts", import.meta.url).pathname,
      env: { API_KEY: "s3cret", ...env }
    })
    services.push(service)
    return service
  }

  const use = async ({ url }: Service) => {
    for (let n = 0; n < 10; n++) {
      await fetch(`${url}/orders`, { method: "POST" })
      await fetch(`${url}/orders/${n}`)
    }
  }

  const end = async (service: Service) => {
    service.signal("SIGTERM")
    assert.strictEqual((await service.exit).code, 0)
  }

  it.each(
    Object.entries({ passing, failing, empty, worst: worst("<b>\"wörst\"</b> ") })
  )("is readable and accessible at every width and in both schemes: %s", async (which, shown) => {
    const { close, url } = await gallery(shown)
    for (const { colorScheme, name, width } of looks) {
      const opened = await open(url, { colorScheme, viewport: { width, height: 800 } })
      const { page, problems } = opened
      await page.screenshot({ path: join(artefacts, `${which}-${name}.png`), fullPage: true })
      assert.deepStrictEqual(await violations(page), [], name)
      for (const details of await page.locator("details").all()) {
        await details.evaluate("(self) => { self.open = true }")
      }
      assert.deepStrictEqual(await violations(page), [], `${name}, everything open`)
      const scrolls = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
      const [scrollWidth = 0, clientWidth = 0] = await page.evaluate<ReadonlyArray<number>>(scrolls)
      assert.isAtMost(scrollWidth, clientWidth, `${name} scrolls sideways`)
      const background = await page.evaluate<string>("getComputedStyle(document.body).backgroundColor")
      assert.strictEqual(background, colorScheme === "dark" ? "rgb(14, 17, 22)" : "rgb(245, 246, 248)")
      assert.deepStrictEqual(problems, [], name)
      await opened.close()
    }
    close()
  })

  it("shows a real service: why it is as it is, checks, operations, logs, metrics, settings", async () => {
    const service = await serve()
    await use(service)
    await service.line(({ message }) => message === "payment refused")
    await fetch(`${service.url}/orders/0`)
    for (const { colorScheme, name, width } of looks) {
      const { close, page, problems } = await open(service.admin, { colorScheme, viewport: { width, height: 800 } })
      await until(page, "document.querySelectorAll('#metrics tbody tr').length === 10")
      assert.match(await textOf(page, "h1"), /^shop (pass|warn)$/)
      assert.include(await textOf(page, "#checks"), "database")
      assert.match(await textOf(page, "#operations"), /orders\.place POST\s[^]*\/(s|min)[^]*(µs|ms)/)
      assert.match(await textOf(page, "#operations"), /orders\.get GET\s[^]*18 %/)
      assert.match(await textOf(page, "#logs"), /ERROR\s+(GET \/orders\/:id 500|payment refused)/)
      assert.strictEqual(await page.locator("#metrics tbody tr").count(), 10)
      assert.include(await textOf(page, "#settings"), "environment variable API_KEY")
      assert.include(await textOf(page, "#settings"), "<redacted>")
      assert.notInclude(await page.content(), "s3cret")
      assert.strictEqual(await page.locator("figure svg").count(), 6)
      await page.screenshot({ path: join(artefacts, `service-${name}.png`), fullPage: true })
      assert.deepStrictEqual(await violations(page), [], name)
      assert.deepStrictEqual(problems, [], name)
      for (const href of ["/debug/pprof/", "/debug/fibers", "/metrics", "/logs", "/ledger", "/settings"]) {
        assert.strictEqual(await page.locator(`nav a[href="${href}"]`).count(), 1)
        assert.isTrue((await fetch(`${service.admin}${href}`)).ok, href)
      }
      const openApi = await page.locator("nav a", { hasText: "OpenAPI" }).getAttribute("href")
      assert.isTrue((await fetch(openApi ?? "")).ok)
      await close()
    }
    await end(service)
  })

  it("works without JavaScript", async () => {
    const service = await serve()
    await use(service)
    await service.line(({ message }) => message === "payment refused")
    const { close, page } = await open(service.admin, { javaScriptEnabled: false })
    const entry = page.locator("#log li", { hasText: "order placed" }).first()
    assert.isFalse(await entry.locator("dl").isVisible())
    await entry.locator("summary").click()
    assert.match(await entry.locator("dl").innerText(), /order\s+{"id":"4711","items":3}/)
    assert.isFalse(await page.locator("#live").isVisible())
    assert.isFalse(await page.locator("#stale").isVisible())
    await close()
    await end(service)
  })

  it("shows new log lines as they come, without a reload, until it is paused", async () => {
    const service = await serve()
    const { close, page, problems } = await open(service.admin)
    await page.evaluate("window.same = true")
    const seen = (id: string) =>
      `[...document.querySelectorAll("#log li")].some((li) => li.textContent.includes("/orders/${id}"))`
    for (const id of ["first", "second"]) {
      await fetch(`${service.url}/orders/${id}`)
      await until(page, seen(id))
    }
    const entry = page.locator("#log li", { hasText: "/orders/second" }).first()
    assert.match(await entry.getAttribute("class") ?? "", /^INFO/)
    await entry.locator("summary").click()
    assert.match(await entry.locator("dl").innerText(), /url\.path\s+\/orders\/second/)
    assert.isTrue(await page.evaluate("window.same"))

    await page.locator("#live").click()
    assert.strictEqual(await page.locator("#live").getAttribute("aria-pressed"), "false")
    await fetch(`${service.url}/orders/third`)
    await fetch(`${service.admin}/logs`)
    assert.isFalse(await page.evaluate(seen("third")))
    await page.locator("#live").click()
    await until(page, seen("third"))
    assert.deepStrictEqual(problems, [])
    await close()
    await end(service)
  })

  it("keeps up with the service, leaves alone what is being read, and says when there is no answer", async () => {
    const served = await gallery(passing)
    const { close, page } = await open(served.url)
    await page.evaluate("window.same = true")
    await page.locator("#operations details summary").click()
    served.current = failing
    await until(page, "document.querySelector('h1').innerText === 'orders fail'")
    assert.strictEqual(await page.title(), "fail · orders")
    assert.include(await textOf(page, "#ledger"), "ECONNREFUSED")
    assert.strictEqual(
      await page.evaluate("getComputedStyle(document.querySelector('.top')).borderTopColor"),
      "rgb(192, 28, 43)"
    )
    assert.isTrue(await page.evaluate("document.querySelector('#operations details').open"))
    assert.isTrue(await page.evaluate("window.same"))
    served.close()
    await until(page, "!document.querySelector('#stale').hidden")
    assert.match(await textOf(page, "#stale"), /^No answer since \d\d:\d\d:\d\d UTC/)
    await close()
  })

  it("can be used with the keyboard alone", async () => {
    const { close, url } = await gallery(failing)
    const { close: closePage, page } = await open(url)
    const focused = () => page.evaluate<string>("document.activeElement.textContent")
    await page.keyboard.press("Tab")
    assert.strictEqual(await focused(), "Skip to the checks")
    assert.isTrue(await page.locator(".skip").isVisible())
    await page.keyboard.press("Tab")
    assert.strictEqual(await focused(), "Profiles")
    assert.include(await page.evaluate("getComputedStyle(document.activeElement).outlineStyle"), "solid")
    await page.locator("#log summary").first().focus()
    await page.keyboard.press("Enter")
    assert.isTrue(await page.evaluate("document.querySelector('#log details').open"))
    await closePage()
    close()
  })

  it("is inert whatever was logged, measured, checked, set, asked or sent", async () => {
    const attempt = "window.hacked = true"
    const evil = `"'><script>${attempt}</script><img src=x onerror="${attempt}"><svg onload="${attempt}"></svg>`
    const service = await serve({
      HOSTILE: evil,
      QUEUE_URL: `https://x.example/${evil}`,
      LOG_LEVEL: "debug",
      METRICS_INTERVAL: "1s"
    })
    const headers = { "user-agent": evil, traceparent: evil, referer: evil, "x-forwarded-for": evil }
    const ask = async () => {
      await fetch(`${service.url}/orders/${encodeURIComponent(evil)}`, { headers })
      await fetch(`${service.url}/${evil}?${evil}`, { headers })
      await fetch(`${service.admin}/${encodeURIComponent(evil)}`, { headers })
      await use(service)
    }
    await ask()
    await service.line(({ message }) => message.includes("payment refused"))
    const { close, page, problems } = await open(service.admin)
    await until(page, "document.querySelectorAll('#metrics tbody tr').length === 10")
    await ask()
    await fetch(`${service.url}/orders/last`)
    await until(page, "document.querySelector('#log').textContent.includes('/orders/last')")
    // The hostile metric is among the last ten of a post in which nothing much else has changed.
    while (!(await textOf(page, "#metrics")).includes("<script>window.hacked")) {
      await fetch(`${service.url}/orders`, { method: "POST" })
    }
    for (const part of ["h1", "#status .why", "#checks", "#log", "#settings"]) {
      assert.include(await textOf(page, part), "<script>window.hacked", part)
    }
    assert.isUndefined(await page.evaluate("window.hacked"))
    const counts =
      "[document.scripts.length, document.images.length, document.querySelectorAll('[onload],[onerror]').length]"
    assert.deepStrictEqual(await page.evaluate<ReadonlyArray<number>>(counts), [1, 0, 0])
    assert.deepStrictEqual(problems, [])
    await close()
    await end(service)
  })

  it("lets nothing run or load that is not its own, even if it got into the page", async () => {
    const { close, url } = await gallery(passing)
    const { close: closePage, page, problems } = await open(url)
    await page.evaluate(`(() => {
      const script = document.createElement("script")
      script.append("window.hacked = true")
      document.body.append(script)
      const image = new Image()
      image.src = "/stolen"
      document.body.append(image)
      const refused = (attempt) => {
        try {
          attempt()
        } catch {
          window.refused = (window.refused ?? 0) + 1
        }
      }
      refused(() => image.setAttribute("onerror", "window.hacked = true"))
      refused(() => { document.body.innerHTML += "<p>markup</p>" })
    })()`)
    await until(page, "document.images[0].complete")
    assert.isUndefined(await page.evaluate("window.hacked"))
    assert.strictEqual(await page.evaluate("window.refused"), 2)
    for (const directive of ["img-src data:", "TrustedScript"]) assert.include(problems.join("\n"), directive)
    await closePage()
    close()
  })

  it("is small", async () => {
    const service = await serve()
    await use(service)
    const html = await (await fetch(service.admin, { headers: { accept: "text/html" } })).text()
    assert.isBelow(Buffer.byteLength(html), 60_000)
    await end(service)
  })
})
