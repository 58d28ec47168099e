import { spawn } from "node:child_process"
import { performance } from "node:perf_hooks"
import { median, ratios } from "./statistics.ts"
import { freePort, guard, type Sink, start } from "./subject.ts"
import type { Subject } from "./subjects.ts"

/** How to measure starts. */
export interface Options {
  readonly node: string
  readonly sink: Sink
  readonly runs: number
  readonly report: (line: string) => void
}

/** What a start takes: milliseconds, and as a ratio to Node doing nothing; medians of the runs. */
export interface Cost {
  readonly milliseconds: number
  readonly ratio: number
}

/** Something that is started and timed. */
export interface Starter {
  readonly name: string
  readonly run: () => Promise<number>
}

/** A command that ends by itself, timed from spawn to exit. */
export const command = (name: string, node: string, args: ReadonlyArray<string>): Starter => ({
  name,
  run: () =>
    new Promise((resolve, reject) => {
      const spawned = performance.now()
      const child = guard(spawn(node, args, { stdio: ["ignore", "ignore", "pipe"] }))
      let complaint = ""
      child.stderr.on("data", (chunk: Buffer) => {
        complaint += chunk.toString()
      })
      child.once("error", reject)
      child.once("exit", (code, signal) => {
        const exited = performance.now()
        if (code === 0) resolve(exited - spawned)
        else reject(new Error(`${name} ended with ${code ?? signal}\n${complaint}`))
      })
    })
})

/** A subject, timed from spawn to its first right answer. */
export const service = (subject: Subject, node: string, sink: Sink): Starter => ({
  name: subject.name,
  run: async () => {
    const process = await start(subject, { node, port: await freePort(), probe: false, sink })
    await process.stop()
    return process.started
  }
})

/** Starts each in turn, `runs` times after once for the file cache; the first is what ratios are to. */
export const measure = async (
  starters: ReadonlyArray<Starter>,
  { report, runs }: Pick<Options, "report" | "runs">
): Promise<ReadonlyMap<string, Cost>> => {
  const times = starters.map((): Array<number> => [])
  for (let run = -1; run < runs; run++) {
    report(run < 0 ? `start: warming up` : `start: run ${run + 1} of ${runs}`)
    for (const [index, starter] of starters.entries()) {
      const time = await starter.run()
      if (run >= 0) times[index]?.push(time)
    }
  }
  const bases = times[0] ?? []
  return new Map(starters.map(({ name }, index) => {
    const own = times[index] ?? []
    return [name, { milliseconds: median(own), ratio: median(ratios(own, bases)) }]
  }))
}
