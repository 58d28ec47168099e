/**
 * What idle kept connections cost a service, whether it still answers others, and how it drains them.
 *
 * Run with `npm run build && node bench/connections.ts [--node PATH] [--connections N]`, where descriptors allow: as many
 * as that, and some, for each process (`ulimit -n`). Linux only.
 */
import { execFileSync, fork } from "node:child_process"
import { once } from "node:events"
import { performance } from "node:perf_hooks"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import type { Connections, State } from "./connections/client.ts"
import { greetOnce } from "./greet.ts"
import { residentBytes } from "./idle.ts"
import { quantile } from "./statistics.ts"
import { freePort, guard, start } from "./subject.ts"
import { base, keelson, type Subject, subjects } from "./subjects.ts"
import { align } from "./table.ts"

const { values } = parseArgs({
  options: { node: { type: "string", default: process.execPath }, connections: { type: "string", default: "50000" } }
})
const wanted = Number(values.connections)
const perClient = 10_000
// What a service has open besides.
const spare = 300
const settleTime = 5000
const idleTime = 20_000

const most = execFileSync("sh", ["-c", "ulimit -Hn"], { encoding: "utf8" }).trim()
const descriptors = most === "unlimited" ? Infinity : Number(most)
const count = Math.min(wanted, descriptors - spare)
if (count < wanted) {
  console.error(`a process may have ${descriptors} descriptors here: ${count} connections instead of ${wanted}`)
}

const client = (address: number, connections: Omit<Connections, "localAddress">) => {
  const child = guard(fork(fileURLToPath(new URL("connections/client.ts", import.meta.url)), {
    stdio: ["ignore", "inherit", "inherit", "ipc"]
  }))
  const ask = async (message: Connections | "state"): Promise<State> => {
    child.send(message)
    const [state] = await once(child, "message") as [State]
    return state
  }
  return {
    open: () => ask({ ...connections, localAddress: `127.0.0.${address}` }),
    state: () => ask("state"),
    stop: () => child.kill("SIGKILL")
  }
}

const sum = (states: ReadonlyArray<State>, of: keyof State) => states.reduce((total, state) => total + state[of], 0)

const row = async (subject: Subject): Promise<ReadonlyArray<string>> => {
  const server = await start(subject, { node: values.node, port: await freePort(), probe: true, sink: "null" })
  const clients = Array.from({ length: Math.ceil(count / perClient) }, (_, index) =>
    client(index + 2, {
      port: server.port,
      path: subject.path,
      count: Math.min(perClient, count - index * perClient)
    }))
  const states = () => Promise.all(clients.map(({ state }) => state()))
  const idleCpu = async () => {
    await sleep(settleTime)
    const before = await server.usage()
    await sleep(idleTime)
    return ((await server.usage()).cpu - before.cpu) / idleTime / 10
  }
  try {
    const cpuBefore = await idleCpu()
    const rssBefore = residentBytes(server.pid)
    const began = performance.now()
    await Promise.all(clients.map(({ open }) => open()))
    const opened = performance.now() - began
    const all = await states()
    const cpu = await idleCpu()
    const rss = residentBytes(server.pid)
    const held = await states()
    const latencies: Array<number> = []
    for (let probe = 0; probe < 50; probe++) {
      const asked = performance.now()
      latencies.push((await greetOnce(server.port, subject.path) ?? Number.NaN) - asked)
    }
    const told = performance.now()
    process.kill(server.pid, "SIGTERM")
    while (sum(await states(), "open") > 0) {
      if (performance.now() - told > 30_000) throw new Error(`${subject.name} did not close its connections`)
      await sleep(50)
    }
    const drained = performance.now() - told
    const after = await states()
    return [
      subject.name,
      String(sum(all, "open")),
      String(sum(held, "open")),
      (opened / 1000).toFixed(1),
      ((rss - rssBefore) / sum(held, "open") / 1000).toFixed(1),
      (rss / 1e6).toFixed(0),
      cpuBefore.toFixed(2),
      cpu.toFixed(2),
      quantile(latencies, 0.5).toFixed(1),
      Math.max(...latencies).toFixed(1),
      drained.toFixed(0),
      `${sum(after, "ended")} ended, ${sum(after, "broken")} broken`
    ]
  } finally {
    for (const { stop } of clients) stop()
    await server.stop()
  }
}

const rows: Array<ReadonlyArray<string>> = []
for (const subject of [subjects.find(({ name }) => name === base), keelson]) {
  if (subject !== undefined) rows.push(await row(subject))
}
console.log(align([
  [
    "subject",
    "connections",
    // Who waits for more than 65 s is ended: opening them may take that long.
    "25 s later",
    "s to open",
    "kB each",
    "RSS MB",
    "CPU % idle, none",
    "all",
    "new request ms",
    "slowest",
    "SIGTERM to none ms",
    "how"
  ],
  ...rows
]))
