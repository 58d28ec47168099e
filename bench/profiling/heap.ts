/** A process with a heap of so many megabytes: how long beginning and ending a capture stops it, in milliseconds. */
import * as Inspector from "../../src/layers/Inspector.ts"
import { cpuInterval, heapInterval } from "../../src/layers/Profiler.ts"

/** What it prints as JSON; `heap` in MiB. */
export interface Stall {
  readonly heap: number
  readonly start: number
  readonly stop: number
  readonly read: number
  readonly kept: number
}

const objectsPerMegabyte = 8_000

const kept = Array.from({ length: Number(process.argv[2]) * objectsPerMegabyte }, (_, index) => ({
  index,
  text: `value ${index}`,
  next: [index]
}))
const inspector = Inspector.connect()
const took = (method: string, params: object = {}): number => {
  const started = performance.now()
  inspector.post(method, params)
  return performance.now() - started
}
inspector.post("Profiler.enable")
inspector.post("Profiler.setSamplingInterval", { interval: cpuInterval })
const start = took("Profiler.start")
const stop = took("Profiler.stop")
inspector.post("HeapProfiler.startSampling", { samplingInterval: heapInterval })
const read = took("HeapProfiler.getSamplingProfile")
const heap = process.memoryUsage().heapUsed / 2 ** 20
process.stdout.write(JSON.stringify({ heap, start, stop, read, kept: kept.length } satisfies Stall))
