/**
 * Measures shipping log lines to CloudWatch Logs: keelson, its peers, and a bare loop of the AWS SDK; see README.md.
 *
 * Run with `node bench/delivery.ts [throughput] [steady] [burst] [faults] [outage] [options]`.
 */
import { cpus, loadavg } from "node:os"
import { performance } from "node:perf_hooks"
import { parseArgs } from "node:util"
import { burst } from "./delivery/burst.ts"
import { runFaults } from "./delivery/faults.ts"
import { outage } from "./delivery/outage.ts"
import type { Options, Part } from "./delivery/part.ts"
import { steady } from "./delivery/steady.ts"
import * as Subjects from "./delivery/subjects.ts"
import { throughput } from "./delivery/throughput.ts"

const parts: Record<string, Part> = { throughput, steady, burst, faults: runFaults, outage }

const usage = `usage: node bench/delivery.ts [${Object.keys(parts).join("] [")}] [options]
  --only A,B     only these subjects (${Subjects.base.name} is always measured for throughput)
  --rounds N     rounds of throughput (default 7, quick 1)
  --seconds N    how long the outage lasts (default 600, quick 20)
  --quick        a short run, for a first impression`

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
        only: { type: "string" },
        rounds: { type: "string" },
        seconds: { type: "string" },
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
const wanted = values.only?.split(",") ?? Subjects.subjects.map(({ name }) => name)
const names = Subjects.subjects.map(({ name }) => name)
const unknownName = wanted.find((name) => !names.includes(name))
if (unknownName !== undefined) fail(`no subject is named ${unknownName}; there are ${names.join(", ")}`)
const unknownPart = positionals.find((part) => !Object.hasOwn(parts, part))
if (unknownPart !== undefined) fail(`nothing measures ${unknownPart}`)

const report = (line: string) => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`)
}

const chosen = Subjects.subjects.filter(({ name }) => wanted.includes(name))
const subjects = chosen.filter(Subjects.exists)
for (const { name, needs } of chosen.filter((subject) => !subjects.includes(subject))) {
  console.error(`${name} is left out: there is no ${needs}`)
}

const { quick } = values
const options: Options = {
  quick,
  rounds: count("rounds", values.rounds, quick ? 1 : 7),
  seconds: count("seconds", values.seconds, quick ? 20 : 600),
  report,
  fail: ({ name }, error) => {
    report("")
    console.error(`${name}: ${error instanceof Error ? error.message : error}`)
  }
}

const began = performance.now()
const [load = 0] = loadavg()
for (const [name, part] of Object.entries(parts)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue
  if (part === outage && !subjects.includes(Subjects.keelson)) continue
  const section = await part(subjects, options)
  report("")
  console.log(`${section}\n`)
}
console.log(
  [
    `Node ${process.version}`,
    `${cpus().length} × ${cpus()[0]?.model ?? "unknown CPU"}`,
    `load average before ${load.toFixed(1)}`,
    `${new Date().toISOString().slice(0, 16)}Z`,
    `took ${Math.round((performance.now() - began) / 1000)} s`
  ].join("; ")
)
