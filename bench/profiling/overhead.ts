import { median } from "../statistics.ts"
import { align } from "../table.ts"
import { type Block, header, ratio, row } from "./block.ts"
import { type Options, start, type Way } from "./service.ts"

const names: Record<Way, string> = {
  profile: "a CPU profile, 100 Hz",
  heap: "a heap profile",
  allocs: "allocations",
  bare: "V8's CPU profiler alone, 100 Hz"
}

/**
 * What a capture costs while it runs: one service, short segments A X X A, each block's X over its A. What drifts
 * slowly is in both. The control is A A A A, in turn with the others.
 */
export const overhead = async (ways: ReadonlyArray<Way>, blocks: number, options: Options): Promise<string> => {
  const turns = [...ways, undefined].map((way) => ({ way, found: [] as Array<Block> }))
  const service = await start(options)
  try {
    let before = await service.segment()
    for (let block = 0; block < blocks; block++) {
      for (const { found, way } of turns) {
        const inner = (await service.segment(way) + await service.segment(way)) / 2
        const after = await service.segment()
        found.push({ outer: [before, after], inner })
        before = after
      }
    }
  } finally {
    service.stop()
  }
  return align([
    ["× not profiled, while there is", ...header, "CPU µs/request"],
    ...turns.map(({ found, way }) => [
      way === undefined ? "nothing (control)" : names[way],
      ...row(found.map(ratio)),
      median(found.map(({ inner }) => inner)).toFixed(1)
    ])
  ])
}
