import { spawn } from "node:child_process"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import type { Load, Outcome } from "./load.ts"
import { pin } from "./pin.ts"
import { median, ratios } from "./statistics.ts"
import { freePort, guard, type Running, type Sink, start } from "./subject.ts"
import { base, echoed, type Subject } from "./subjects.ts"

/** What is asked: a greeting, or an echo of 1 KiB of JSON. */
export type Workload = "GET" | "POST"

/** How to measure requests. */
export interface Options {
  readonly node: string
  readonly sink: Sink
  readonly rounds: number
  readonly requests: number
  readonly workload: Workload
  readonly connections: number
  /** The CPU that the subjects and the load generator share; any, if undefined. */
  readonly cpu: number | undefined
  readonly report: (line: string) => void
}

/** What requests cost one subject; medians of the rounds. */
export interface Cost {
  readonly cpu: number
  readonly ratio: number
  readonly least: number
  readonly most: number
  readonly perSecond: number
  readonly p99: number
  readonly p99Ratio: number
  readonly rss: number
  /** Lines on standard output per request; undefined if nobody read them. */
  readonly lines: number | undefined
}

interface Round {
  readonly cpu: number
  readonly perSecond: number
  readonly p99: number
  readonly rss: number
}

const warmUpRequests = 40_000

// A part of each round is not measured: caches are cold after the turns of the others.
const warmIn = (requests: number) => Math.ceil(requests / 4)

// What was answered may not be logged yet: a logger that writes later is to pay for it in its own round.
const settleTime = 50

/** Rounds of requests to each subject in turn. All run all the time; who is not asked is idle. */
export const measure = async (
  subjects: ReadonlyArray<Subject>,
  { connections, cpu, node, report, requests, rounds, sink, workload }: Options
): Promise<ReadonlyMap<Subject, Cost>> => {
  const generator = makeGenerator(cpu)
  const unmeasured = warmIn(requests)
  const warmUps = Math.ceil(warmUpRequests / (requests + unmeasured))
  const running: Array<{ readonly process: Running; readonly results: Array<Round> }> = []
  try {
    for (const subject of subjects) {
      const process = await start(subject, { cpu, node, port: await freePort(), probe: true, sink })
      running.push({ process, results: [] })
    }
    for (let round = -warmUps; round < rounds; round++) {
      report(round < 0 ? `${workload}: warming up` : `${workload}: round ${round + 1} of ${rounds}`)
      for (const { process, results } of running) {
        const { port, subject } = process
        const asked = workload === "GET" ? { path: subject.path } : { path: subject.echo, json: echoed }
        const load = { port, connections, ...asked }
        await generator.run({ ...load, requests: unmeasured })
        const before = await process.usage()
        const outcome = await generator.run({ ...load, requests })
        await sleep(settleTime)
        const after = await process.usage()
        if ("failure" in outcome) throw new Error(`${subject.name} ${outcome.failure}`)
        if (round < 0) continue
        results.push({
          cpu: (after.cpu - before.cpu) / requests,
          perSecond: requests / outcome.wall * 1000,
          p99: outcome.p99,
          rss: after.rss
        })
      }
    }
    const bases = running.find(({ process }) => process.subject.name === base)?.results ?? []
    return new Map(running.map(({ process, results }) => {
      const toBase = (of: (round: Round) => number) => ratios(results.map(of), bases.map(of))
      const own = toBase(({ cpu }) => cpu)
      return [process.subject, {
        cpu: median(results.map(({ cpu }) => cpu)),
        ratio: median(own),
        least: Math.min(...own),
        most: Math.max(...own),
        perSecond: median(results.map(({ perSecond }) => perSecond)),
        p99: median(results.map(({ p99 }) => p99)),
        p99Ratio: median(toBase(({ p99 }) => p99)),
        rss: median(results.map(({ rss }) => rss)),
        lines: sink === "pipe" ? process.lines() / ((requests + unmeasured) * (rounds + warmUps)) : undefined
      }]
    }))
  } finally {
    generator.stop()
    await Promise.all(running.map(({ process }) => process.stop()))
  }
}

/**
 * As `measure`, but the base and one other subject at a time, and several times over with new processes: what V8 makes of
 * the same code differs from process to process.
 */
export const measurePairs = async (
  subjects: ReadonlyArray<Subject>,
  options: Options & { readonly launches: number }
): Promise<ReadonlyMap<Subject, Cost>> => {
  const bases = subjects.filter(({ name }) => name === base)
  const costs = new Map<Subject, Cost>()
  for (const subject of subjects.filter(({ name }) => name !== base)) {
    const pair = [...bases, subject]
    const launches: Array<ReadonlyMap<Subject, Cost>> = []
    for (let launch = 0; launch < options.launches; launch++) launches.push(await measure(pair, options))
    for (const which of pair) costs.set(which, combine(launches.flatMap((found) => found.get(which) ?? [])))
  }
  return costs
}

const combine = (costs: ReadonlyArray<Cost>): Cost => {
  const middle = (of: (cost: Cost) => number) => median(costs.map(of))
  return {
    cpu: middle(({ cpu }) => cpu),
    ratio: middle(({ ratio }) => ratio),
    least: Math.min(...costs.map(({ least }) => least)),
    most: Math.max(...costs.map(({ most }) => most)),
    perSecond: middle(({ perSecond }) => perSecond),
    p99: middle(({ p99 }) => p99),
    p99Ratio: middle(({ p99Ratio }) => p99Ratio),
    rss: middle(({ rss }) => rss),
    lines: costs[0]?.lines === undefined ? undefined : middle(({ lines = Number.NaN }) => lines)
  }
}

/** A process that makes requests. */
export const makeGenerator = (cpu: number | undefined) => {
  const [command, args] = pin(cpu, [process.execPath, [fileURLToPath(new URL("load.ts", import.meta.url))]])
  const child = guard(spawn(command, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] }))
  return {
    run: (load: Load): Promise<Outcome> =>
      new Promise((resolve, reject) => {
        const died = () => reject(new Error("the load generator died"))
        child.once("exit", died)
        child.once("message", (outcome) => {
          child.off("exit", died)
          resolve(outcome as Outcome)
        })
        child.send(load)
      }),
    stop: () => child.kill("SIGKILL")
  }
}
