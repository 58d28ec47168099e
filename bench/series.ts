/**
 * What a label without bound does to a service: a million series of a counter, a histogram or the words of a frequency,
 * offered as fast as it takes them.
 *
 * Run with `npm run lib && node bench/series.ts [--node PATH] [--series N]`.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { performance } from "node:perf_hooks"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { residentBytes } from "./idle.ts"
import { freePort, guard } from "./subject.ts"
import { align } from "./table.ts"

const { values: { node, series } } = parseArgs({
  options: { node: { type: "string", default: process.execPath }, series: { type: "string", default: "1000000" } }
})
const offered = Number(series)
const portion = 1000
const settleTime = 12_000

const text = async (url: string) => {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  return response.text()
}

const row = async (kind: string): Promise<ReadonlyArray<string>> => {
  const [port, admin] = [await freePort(), await freePort()]
  const file = fileURLToPath(new URL("subjects/series.js", import.meta.url))
  const child = guard(spawn(node, [file, "serve"], {
    env: { ...process.env, PORT: String(port), ADMIN_PORT: String(admin), METRICS_INTERVAL: "5 seconds" },
    stdio: ["ignore", "ignore", "inherit"]
  }))
  const ended = once(child, "exit")
  const base = `http://127.0.0.1:${port}`
  try {
    while (!await fetch(`${base}/readyz`).then(({ ok }) => ok, () => false)) {
      if (child.exitCode !== null) throw new Error(`the service ended with ${child.exitCode}`)
    }
    const pid = child.pid ?? 0
    const before = residentBytes(pid)
    await text(`${base}/delay`)
    const began = performance.now()
    for (let first = 0; first < offered; first += portion) {
      await text(`${base}/offer?kind=${kind}&first=${first}&count=${portion}`)
    }
    const took = performance.now() - began
    const offering = await text(`${base}/delay`)
    // Two posts and two readings of the registry.
    await sleep(settleTime)
    const idle = await text(`${base}/delay`)
    const rss = residentBytes(pid)
    const asked = performance.now()
    const exposition = await text(`http://127.0.0.1:${admin}/metrics`)
    const rendered = performance.now() - asked
    child.kill("SIGTERM")
    const [code] = await ended
    return [
      kind,
      (took * 1e6 / offered).toFixed(0),
      String(exposition.split("\n").filter((line) => /^order.*(_total|_count)\{/.test(line)).length),
      /^keelson_metric_updates_overflowed_total (\d+)$/m.exec(exposition)?.[1] ?? "",
      (before / 1e6).toFixed(0),
      (rss / 1e6).toFixed(0),
      Number(offering).toFixed(0),
      Number(idle).toFixed(0),
      (exposition.length / 1e6).toFixed(1),
      rendered.toFixed(0),
      String(code)
    ]
  } catch (error) {
    return [kind, error instanceof Error ? error.message : String(error)]
  } finally {
    child.kill("SIGKILL")
    await ended
  }
}

const rows: Array<ReadonlyArray<string>> = []
for (const kind of ["counter", "histogram", "frequency"]) rows.push(await row(kind))
console.log(align([
  [
    "1 label",
    "ns/update",
    "series shown",
    "overflowed",
    "RSS before MB",
    "after MB",
    "loop delay ms, offering",
    "afterwards",
    "/metrics MB",
    "ms",
    "exit"
  ],
  ...rows
]))
