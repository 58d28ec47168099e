/**
 * Measures what keelson costs against what it stands on and what it competes with; see README.md.
 *
 * Run with `npm run bench`, or `node bench/run.ts [get] [post] [idle] [start] [options]`.
 */
import { execFileSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { cpus, loadavg, release } from "node:os"
import { performance } from "node:perf_hooks"
import { parseArgs } from "node:util"
import * as Http from "./http.ts"
import * as Idle from "./idle.ts"
import { canPin } from "./pin.ts"
import { compare, complaints, type Ratios } from "./ratios.ts"
import * as Start from "./start.ts"
import * as Subjects from "./subjects.ts"
import * as Table from "./table.ts"

const usage = `usage: node bench/run.ts [get] [post] [idle] [start] [options]
  --node PATH      run the subjects under another Node
  --only A,B       only these subjects (${Subjects.base} is always measured)
  --sink WHERE     standard output of the subjects: pipe (read by the harness, default) or null (/dev/null)
  --rounds N       rounds of requests (default 15, quick 5; in pairs 15, quick 7)
  --requests N     requests a round (default 20000, quick 10000; in pairs 3000)
  --runs N         starts of each (default 21, quick 5)
  --pairs          each subject in turn with ${Subjects.base} alone, so that none idles for seconds between its rounds
  --launches N     how often a pair is started anew (default 3, quick 1)
  --check          keelson in pairs, compared with the stored ratios of this Node: exit 1 if one is worse beyond noise
  --store          keelson in pairs, stored as what --check compares with
  --cpu N          the CPU that the subjects and the load generator share, or "any" (default: the last)
  --quick          a short run, for a first impression`

const fail = (message: string): never => {
  console.error(`${message}\n\n${usage}`)
  process.exit(2)
}

const parse = () => {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        help: { type: "boolean", short: "h" },
        node: { type: "string", default: process.execPath },
        only: { type: "string" },
        sink: { type: "string", default: "pipe" },
        pairs: { type: "boolean", default: false },
        check: { type: "boolean", default: false },
        store: { type: "boolean", default: false },
        cpu: { type: "string" },
        launches: { type: "string" },
        rounds: { type: "string" },
        requests: { type: "string" },
        runs: { type: "string" },
        quick: { type: "boolean", default: false }
      }
    })
  } catch (error) {
    return fail((error as Error).message)
  }
}

const count = (name: string, text: string | undefined, fallback: number): number => {
  const value = Number(text ?? fallback)
  return Number.isSafeInteger(value) && value > 0 ? value : fail(`--${name} is no count: ${text}`)
}

const { positionals, values } = parse()
if (values.help) {
  console.log(usage)
  process.exit(0)
}

const { check, node, quick, sink, store } = values
const compared = check || store
const pairs = values.pairs || compared
const only = values.only ?? (compared ? `${Subjects.keelson.name},${Subjects.memoryBase}` : undefined)
if (sink !== "pipe" && sink !== "null") fail(`--sink is pipe or null, not ${sink}`)
const parts = ["get", "post", "idle", "start"]
const unknownPart = positionals.find((part) => !parts.includes(part))
if (unknownPart !== undefined) fail(`nothing measures ${unknownPart}`)

const pinned = () => {
  if (values.cpu === "any") return undefined
  const cpu = Number(values.cpu ?? cpus().length - 1)
  if (Number.isSafeInteger(cpu) && canPin(cpu)) return cpu
  if (values.cpu !== undefined) fail(`nothing can be bound to CPU ${values.cpu}`)
  console.error("processes are not bound to a CPU: this system has no taskset; ratios will vary more")
  return undefined
}

const wanted = only?.split(",")
const unknownName = wanted?.find((name) => Subjects.subjects.every((subject) => subject.name !== name))
if (unknownName !== undefined) {
  fail(`no subject is named ${unknownName}; there are ${Subjects.subjects.map(({ name }) => name).join(", ")}`)
}

const report = (line: string) => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`)
}

const chosen = Subjects.subjects.filter(({ name }) =>
  wanted === undefined || wanted.includes(name) || name === Subjects.base
)
const subjects = chosen.filter(Subjects.exists)
for (const { file, name } of chosen.filter((subject) => !subjects.includes(subject))) {
  console.error(`${name} is left out: there is no ${file}`)
}

const measures = (part: string) => positionals.length === 0 || positionals.includes(part)

const http: Omit<Http.Options, "workload"> = {
  node,
  sink: sink as Http.Options["sink"],
  // Neighbours in time disturb a pair alike: many short rounds.
  rounds: count("rounds", values.rounds, pairs ? (quick ? 7 : 15) : quick ? 5 : 15),
  requests: count("requests", values.requests, pairs ? 3000 : quick ? 10_000 : 20_000),
  connections: 16,
  cpu: measures("get") || measures("post") ? pinned() : undefined,
  report
}
const launches = count("launches", values.launches, quick ? 1 : 3)
const runs = count("runs", values.runs, quick ? 5 : 21)

const ratiosFile = new URL("ratios.json", import.meta.url)
const read = () => JSON.parse(readFileSync(ratiosFile, "utf8")) as Record<string, Ratios>

const ratios: Record<string, number> = {}
const found = (figure: string, ratio: number | undefined) => {
  if (ratio !== undefined && !Number.isNaN(ratio)) ratios[figure] = ratio
}

const measureRequests = async (workload: Http.Workload) => {
  const asked = compared ? subjects.filter(({ name }) => name !== Subjects.memoryBase) : subjects
  const costs = await (pairs ? Http.measurePairs : Http.measure)(asked, { ...http, launches, workload })
  report("")
  console.log(`${workload === "GET" ? "GET" : "POST of 1 KiB of JSON"}:\n\n${Table.requests(costs)}\n`)
  found(`CPU of a ${workload} × ${Subjects.base}`, costs.get(Subjects.keelson)?.ratio)
  found(`p99 of a ${workload} × ${Subjects.base}`, costs.get(Subjects.keelson)?.p99Ratio)
}

const measureIdle = async () => {
  const memory = await Idle.measure(subjects, { node, runs: quick ? 1 : 3, sink: http.sink, report })
  report("")
  console.log(`Memory of a process that nobody asks:\n\n${Table.idle(memory)}\n`)
  found(`idle RSS × ${Subjects.memoryBase}`, memory.get(Subjects.keelson.name)?.ratio)
}

const measureStarts = async () => {
  const version = "keelson --version"
  const costs = await Start.measure([
    Start.command("node -e 0", node, ["-e", "0"]),
    ...subjects.includes(Subjects.keelson) ? [Start.command(version, node, [Subjects.keelson.file, "--version"])] : [],
    ...subjects.map((subject) => Start.service(subject, node, http.sink))
  ], { runs, report })
  report("")
  console.log(`Starts:\n\n${Table.starts(costs)}\n`)
  found(`--version × node -e 0`, costs.get(version)?.ratio)
  found(`first answer × node -e 0`, costs.get(Subjects.keelson.name)?.ratio)
}

try {
  const version = execFileSync(node, ["--version"], { encoding: "utf8" }).trim()
  const major = version.slice(1).split(".")[0] ?? ""
  const stored = check ? read()[major] : undefined
  if (check && stored === undefined) throw new Error(`no ratios of Node ${major} are stored: --store does it`)
  const began = performance.now()
  const [load = 0] = loadavg()
  if (measures("get")) await measureRequests("GET")
  if (measures("post")) await measureRequests("POST")
  if (measures("idle")) await measureIdle()
  if (measures("start")) await measureStarts()

  console.log(
    [
      `Node ${version}`,
      ...measures("get") || measures("post")
        ? [
          `${http.rounds} rounds of ${http.requests} requests${pairs ? ` in pairs, started ${launches} times` : ""}`,
          http.cpu === undefined ? "any CPU" : `server and load on CPU ${http.cpu}`
        ]
        : [],
      ...measures("start") ? [`${runs} starts`] : [],
      `logs to ${sink === "pipe" ? "a pipe" : "/dev/null"}`,
      `${cpus().length} × ${cpus()[0]?.model ?? "unknown CPU"}`,
      `Linux ${release()}`,
      `load average before ${load.toFixed(1)}`,
      `${new Date().toISOString().slice(0, 16)}Z`,
      `took ${Math.round((performance.now() - began) / 1000)} s`
    ].join("; ")
  )
  if (stored !== undefined) {
    const comparisons = compare(stored, ratios)
    console.log(`\nBeside the stored ratios of Node ${major}:\n\n${Table.comparisons(comparisons)}`)
    const regressions = complaints(comparisons)
    for (const complaint of regressions) console.error(complaint)
    if (regressions.length > 0) process.exitCode = 1
  }
  if (store) {
    const all = read()
    const rounded = Object.entries(ratios).map(([figure, ratio]) => [figure, Number(ratio.toFixed(3))])
    all[major] = { ...all[major], ...Object.fromEntries(rounded) }
    writeFileSync(ratiosFile, `${JSON.stringify(all, undefined, 2)}\n`)
  }
} catch (error) {
  report("")
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}
