/**
 * Measures what keelson costs against what it stands on and what it competes with; see README.md.
 *
 * Run with `npm run bench`, or `node bench/run.ts [http] [start] [options]`.
 */
import { execFileSync } from "node:child_process"
import { cpus, loadavg, release } from "node:os"
import { performance } from "node:perf_hooks"
import { parseArgs } from "node:util"
import * as Http from "./http.ts"
import { canPin } from "./pin.ts"
import * as Start from "./start.ts"
import * as Subjects from "./subjects.ts"
import { render } from "./table.ts"

const usage = `usage: node bench/run.ts [http] [start] [options]
  --node PATH      run the subjects under another Node
  --only A,B       only these subjects (${Subjects.base} is always measured)
  --sink WHERE     standard output of the subjects: pipe (read by the harness, default) or null (/dev/null)
  --rounds N       rounds of requests (default 15, quick 5)
  --requests N     requests a round (default 20000, quick 10000)
  --runs N         starts of each (default 21, quick 5)
  --pairs          each subject in turn with ${Subjects.base} alone, so that none idles for seconds between its rounds
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
        cpu: { type: "string" },
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

const { node, only, pairs, quick, sink } = values
if (sink !== "pipe" && sink !== "null") fail(`--sink is pipe or null, not ${sink}`)
const unknownPart = positionals.find((part) => part !== "http" && part !== "start")
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

const http: Http.Options = {
  node,
  sink: sink as Http.Options["sink"],
  rounds: count("rounds", values.rounds, quick ? 5 : 15),
  requests: count("requests", values.requests, quick ? 10_000 : 20_000),
  connections: 16,
  cpu: measures("http") ? pinned() : undefined,
  report
}
const runs = count("runs", values.runs, quick ? 5 : 21)

try {
  const version = execFileSync(node, ["--version"], { encoding: "utf8" }).trim()
  const began = performance.now()
  const [load = 0] = loadavg()
  const costs = measures("http") ? await (pairs ? Http.measurePairs : Http.measure)(subjects, http) : undefined
  const starts = measures("start")
    ? await Start.measure([
      Start.command("node -e 0", node, ["-e", "0"]),
      ...subjects.includes(Subjects.keelson)
        ? [Start.command("keelson --version", node, [Subjects.keelson.file, "--version"])]
        : [],
      ...subjects.map((subject) => Start.service(subject, node, http.sink))
    ], { runs, report })
    : undefined
  report("")

  console.log(render(subjects, costs, starts))
  console.log(
    [
      `Node ${version}`,
      ...costs === undefined ? [] : [`${http.rounds} rounds of ${http.requests} requests${pairs ? " in pairs" : ""}`],
      ...starts === undefined ? [] : [`${runs} starts`],
      `logs to ${sink === "pipe" ? "a pipe" : "/dev/null"}`,
      ...costs === undefined ? [] : [http.cpu === undefined ? "any CPU" : `server and load on CPU ${http.cpu}`],
      `${cpus().length} × ${cpus()[0]?.model ?? "unknown CPU"}`,
      `Linux ${release()}`,
      `load average before ${load.toFixed(1)}`,
      `${new Date().toISOString().slice(0, 16)}Z`,
      `took ${Math.round((performance.now() - began) / 1000)} s`
    ].join("; ")
  )
} catch (error) {
  report("")
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}
