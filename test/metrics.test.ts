import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { start } from "./utils/service.ts"

const promtool = spawnSync("promtool", ["--version"]).error === undefined

describe("the metrics of a running service", () => {
  it("are all in the documents, with their type", async () => {
    const service = await start()
    await (await fetch(`${service.url}/livez`)).text()
    const text = await (await fetch(`${service.admin}/metrics`)).text()
    const families = Array.from(text.matchAll(/^# TYPE (\S+) (\S+)$/gm), ([, name, type]) => ({ name, type }))
    assert.isAbove(families.length, 15)
    const documented = readFileSync(new URL("../docs/metrics.md", import.meta.url), "utf8")
      .replace(
        "`_p99_seconds`, `_max_seconds`",
        "`nodejs_eventloop_lag_p99_seconds`, `nodejs_eventloop_lag_max_seconds`"
      )
      .split("\n")
    for (const { name, type } of families) {
      const row = documented.find((row) => row.includes(`\`${name}\``))
      assert.include(row, `| ${type} |`, name)
    }
    service.signal("SIGTERM")
    await service.exit
  })

  it.runIf(promtool || process.env["CI"] !== undefined)(
    "are what promtool has no complaint about, named as OpenTelemetry and Prometheus' clients do",
    async () => {
      const service = await start()
      for (const path of ["/greetings/you?language=fr", "/greetings/you?language=xx", "/nothing", "/livez"]) {
        await (await fetch(`${service.url}${path}`)).text()
      }
      const response = await fetch(`${service.admin}/metrics`)
      const input = await response.text()
      assert.strictEqual(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8")
      const { status, stderr, stdout } = spawnSync("promtool", ["check", "metrics"], { input, encoding: "utf8" })
      assert.deepStrictEqual([status, stdout, stderr], [0, "", ""])
      const labels = `operation="greetings.greet",http_request_method="GET",http_route="/greetings/:name"`
      assert.include(
        input,
        `http_server_request_duration_seconds_count{${labels},http_response_status_code="404"} 1\n`
      )
      assert.match(input, /http_request_method="_OTHER",http_response_status_code="404"\} 1\n/)
      for (
        const name of ["process_cpu_seconds_total", "process_resident_memory_bytes", "nodejs_heap_size_used_bytes"]
      ) {
        assert.match(input, new RegExp(`^# HELP ${name} .*\n# TYPE ${name} .*\n${name} `, "m"))
      }
      const open = await fetch(`${service.admin}/metrics`, {
        headers: { accept: "application/openmetrics-text;version=1.0.0,text/plain;q=0.5" }
      })
      assert.include(open.headers.get("content-type"), "application/openmetrics-text")
      assert.match(await open.text(), /\n# EOF\n$/)
      service.signal("SIGTERM")
      await service.exit
    }
  )
})
