import { median } from "../statistics.ts"
import { align } from "../table.ts"
import { type Options, start, type Way } from "./service.ts"

const times = 3

/** What profiling costs a service that is asked nothing. */
export const rest = async (options: Options): Promise<string> => {
  const service = await start(options)
  const measure = async (way?: Way) => {
    const found: Array<number> = []
    while (found.length < times) found.push(await service.rest(way))
    return found
  }
  try {
    // What the warm-up left to be collected is.
    await service.rest()
    const phases = {
      "before": await measure(),
      "during a CPU profile": await measure("profile"),
      "after it": await measure()
    }
    return align([
      ["", "median", "least", "most"],
      ...Object.entries(phases).map(([name, found]) => [
        name,
        ...[median(found), Math.min(...found), Math.max(...found)].map((milliseconds) => milliseconds.toFixed(2))
      ])
    ])
  } finally {
    service.stop()
  }
}
