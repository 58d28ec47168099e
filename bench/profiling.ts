/**
 * What profiling costs a service under load, in CPU per request, and how long it stops one, by the size of the heap.
 *
 * Run with `npm run build && node bench/profiling.ts`.
 */
import { execFileSync, spawn } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import * as Inspector from "../src/layers/Inspector.ts"
import { makeGenerator } from "./http.ts"
import { median, ratios } from "./statistics.ts"
import { freePort, guard } from "./subject.ts"
import { align } from "./table.ts"

const rounds = 11
const requests = 40_000
const connections = 32

const megabytes = process.env["STALL_MB"]
if (megabytes !== undefined) {
  const kept: Array<object> = []
  for (let index = 0; index < Number(megabytes) * 8_000; index++) {
    kept.push({ index, text: `value ${index}`, next: [index] })
  }
  const inspector = Inspector.connect()
  const took = (method: string, params: object = {}): number => {
    const started = performance.now()
    inspector.post(method, params)
    return performance.now() - started
  }
  inspector.post("Profiler.enable")
  inspector.post("Profiler.setSamplingInterval", { interval: 10_000 })
  const start = took("Profiler.start")
  const stop = took("Profiler.stop")
  inspector.post("HeapProfiler.startSampling", { samplingInterval: 524_288 })
  const read = took("HeapProfiler.getSamplingProfile")
  const heap = process.memoryUsage().heapUsed / 2 ** 20
  process.stdout.write(JSON.stringify({ heap, start, stop, read, kept: kept.length }))
  process.exit()
}

const port = await freePort()
const admin = await freePort()
const child = guard(spawn(process.execPath, [fileURLToPath(new URL("../dist/main.js", import.meta.url)), "serve"], {
  env: { ...process.env, PORT: String(port), ADMIN_PORT: String(admin) },
  stdio: ["ignore", "ignore", "inherit"]
}))
while (!await fetch(`http://127.0.0.1:${port}/readyz`).then(({ ok }) => ok, () => false));

/** CPU time of all threads, in microseconds. */
const cpuTime = () =>
  readdirSync(`/proc/${child.pid}/task`)
    .map((thread) => Number(readFileSync(`/proc/${child.pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]))
    .reduce((sum, nanoseconds) => sum + nanoseconds / 1000, 0)

const pprof = `http://127.0.0.1:${admin}/debug/pprof`
const ways: Record<string, string | undefined> = {
  "not profiled": undefined,
  "not profiled, again": undefined,
  "CPU profile, 100 Hz": `${pprof}/profile?seconds=120`,
  "heap profile": `${pprof}/heap?seconds=120`,
  "allocations": `${pprof}/allocs?seconds=120`
}

const generator = makeGenerator(undefined)
const load = { port, path: "/greetings/world", connections, requests }
const costs: Record<string, Array<number>> = Object.fromEntries(Object.keys(ways).map((name) => [name, []]))
for (let warm = 0; warm < 3; warm++) await generator.run(load)
for (let round = 0; round < rounds; round++) {
  // Each follows each other equally often: what one leaves behind is not always the next one's burden.
  const turns = Object.entries(ways)
  for (const [name, url] of round % 2 === 0 ? turns : turns.reverse()) {
    const controller = new AbortController()
    if (url !== undefined) void fetch(url, { signal: controller.signal }).catch(() => {})
    await generator.run({ ...load, requests: requests / 4 })
    const before = cpuTime()
    await generator.run(load)
    costs[name]?.push((cpuTime() - before) / requests)
    controller.abort()
    await generator.run({ ...load, requests: requests / 4 })
  }
}
generator.stop()
child.kill("SIGKILL")

const base = costs["not profiled"] ?? []
console.log(`CPU of one GET, ${rounds} rounds of ${requests} requests in turn:`)
console.log(align([
  ["", "µs", "× not profiled", "least", "most"],
  ...Object.entries(costs).map(([name, found]) => {
    const own = ratios(found, base)
    return [
      name,
      median(found).toFixed(2),
      median(own).toFixed(3),
      Math.min(...own).toFixed(3),
      Math.max(...own).toFixed(3)
    ]
  })
]))

console.log("How long the process stands still, in ms (medians of 5):")
console.log(align([
  ["heap MiB", "start a CPU profile", "stop it", "read a heap profile"],
  ...[10, 100, 250, 500].map((size) => {
    const runs = Array.from(
      { length: 5 },
      () =>
        JSON.parse(execFileSync(process.execPath, ["--max-old-space-size=4096", fileURLToPath(import.meta.url)], {
          env: { ...process.env, STALL_MB: String(size) },
          encoding: "utf8"
        })) as Record<"heap" | "start" | "stop" | "read", number>
    )
    const of = (key: "heap" | "start" | "stop" | "read") => median(runs.map((run) => run[key]))
    return [of("heap").toFixed(0), of("start").toFixed(1), of("stop").toFixed(1), of("read").toFixed(1)]
  })
]))
