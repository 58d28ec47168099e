/**
 * What profiling costs a service: CPU per request while it is profiled, and afterwards; how long it stops one, by the
 * size of the heap. See README.md.
 *
 * Run with `npm run build && node bench/profiling.ts [PART...] [--blocks N]`.
 */
import { cpus, loadavg } from "node:os"
import { parseArgs } from "node:util"
import { canPin } from "./pin.ts"
import { idle } from "./profiling/idle.ts"
import { overhead } from "./profiling/overhead.ts"
import { rest } from "./profiling/rest.ts"
import { stall } from "./profiling/stall.ts"
import { base, subjects } from "./subjects.ts"

const usage = `usage: node bench/profiling.ts [profile] [bare] [raw] [heap] [allocs] [rest] [idle] [stall] [options]
  profile, heap, allocs  CPU per request while it is captured
  bare                   the same of V8's CPU profiler, with nothing of keelson around it
  raw                    the same, and of raw node:http
  rest                   CPU of a service that is asked nothing, before, meanwhile and afterwards
  idle                   CPU per request after a capture
  stall                  how long beginning and ending a capture stops a process
  (default: profile rest idle stall)
  --blocks N             blocks of each capture; a third as many of idle (default 50)`

const fail = (message: string): never => {
  console.error(`${message}\n\n${usage}`)
  process.exit(2)
}

const parse = () => {
  try {
    return parseArgs({ allowPositionals: true, options: { blocks: { type: "string", default: "50" } } })
  } catch (error) {
    return fail((error as Error).message)
  }
}

const { positionals, values } = parse()
const blocks = Number(values.blocks)
if (!Number.isSafeInteger(blocks) || blocks < 1) fail(`--blocks is no count: ${values.blocks}`)
const captures = ["profile", "bare", "heap", "allocs"] as const
const unknown = positionals.find((part) => ![...captures, "raw", "rest", "idle", "stall"].includes(part))
if (unknown !== undefined) fail(`nothing measures ${unknown}`)

const isWanted = (part: string) =>
  (positionals.length === 0 ? ["profile", "rest", "idle", "stall"] : positionals).includes(part)
const last = cpus().length - 1
const cpu = canPin(last) ? last : undefined
const began = performance.now()
const [load = 0] = loadavg()
const section = (title: string, table: string) => console.log(`${title}\n\n${table}\n`)

const ways = captures.filter(isWanted)
if (ways.length > 0) section("While it is captured:", await overhead(ways, blocks, { cpu }))
if (isWanted("raw")) {
  const subject = subjects.find(({ name }) => name === base)
  section(`${base}, while it is captured:`, await overhead(["bare"], blocks, { cpu, subject }))
}
if (isWanted("rest")) section("CPU of a service that is asked nothing, in ms a second:", await rest({ cpu }))
if (isWanted("idle")) section("Afterwards:", await idle(Math.ceil(blocks / 3), { cpu }))
if (isWanted("stall")) section("How long the process stands still, in ms, medians of 5:", stall())
console.log(
  [
    `Node ${process.version}`,
    cpu === undefined ? "not bound to a CPU" : `service and load on CPU ${cpu}`,
    `${cpus().length} × ${cpus()[0]?.model ?? "unknown CPU"}`,
    `load average before ${load.toFixed(1)}`,
    `took ${Math.round((performance.now() - began) / 1000)} s`
  ].join("; ")
)
