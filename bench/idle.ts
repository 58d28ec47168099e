import { readFileSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import { median, ratios } from "./statistics.ts"
import { freePort, type Running, type Sink, start } from "./subject.ts"
import { memoryBase, type Subject } from "./subjects.ts"

/** How to measure idle memory. */
export interface Options {
  readonly node: string
  readonly sink: Sink
  readonly runs: number
  readonly report: (line: string) => void
}

/** Resident bytes of a process that does nothing, and as a ratio to `memoryBase`; medians of the runs. */
export interface Memory {
  readonly rss: number
  readonly ratio: number
}

/** How long a process is left alone after its first answer, in milliseconds. */
const settleTime = 10_000

/** Starts all subjects and reads their resident memory when nobody has asked them anything for a while. */
export const measure = async (
  subjects: ReadonlyArray<Subject>,
  { node, report, runs, sink }: Options
): Promise<ReadonlyMap<string, Memory>> => {
  const sizes = subjects.map((): Array<number> => [])
  for (let run = 0; run < runs; run++) {
    report(`idle: run ${run + 1} of ${runs}`)
    const running: Array<Running> = []
    try {
      for (const subject of subjects) {
        running.push(await start(subject, { node, port: await freePort(), probe: false, sink }))
      }
      await sleep(settleTime)
      for (const [index, { pid }] of running.entries()) sizes[index]?.push(residentBytes(pid))
    } finally {
      await Promise.all(running.map(({ stop }) => stop()))
    }
  }
  const bases = sizes[subjects.findIndex(({ name }) => name === memoryBase)] ?? []
  return new Map(subjects.map(({ name }, index) => {
    const own = sizes[index] ?? []
    return [name, { rss: median(own), ratio: median(ratios(own, bases)) }]
  }))
}

/** The resident memory of a process of this machine, in bytes; Linux only. */
export const residentBytes = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024
