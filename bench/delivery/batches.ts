import { makeLine } from "./lines.ts"
import type { Options } from "./shipping.ts"

/** What one request may carry: `PutLogEvents` counts UTF-8 bytes of the message and 26 for each event. */
export const limits = { bytes: 1_048_576, events: 10_000, overhead: 26 }

/** What one line counts. */
export const sizeOf = (line: string): number => Buffer.byteLength(line) + limits.overhead

/** Full batches of lines, as a loop that waits for nothing else makes them. */
export const makeBatches = (send: (lines: ReadonlyArray<string>) => void) => {
  let lines: Array<string> = []
  let bytes = 0
  const flush = () => {
    if (lines.length > 0) send(lines)
    lines = []
    bytes = 0
  }
  return {
    add: (line: string) => {
      const size = sizeOf(line)
      if (bytes + size > limits.bytes || lines.length === limits.events) flush()
      lines.push(line)
      bytes += size
    },
    flush
  }
}

/** All batches of all lines, by the number of the line that completes each. */
export const allBatches = ({ lines, text }: Options): Map<number, ReadonlyArray<string>> => {
  const batches = new Map<number, ReadonlyArray<string>>()
  let count = 0
  const { add, flush } = makeBatches((batch) => batches.set((count += batch.length) - 1, batch))
  for (let n = 0; n < lines; n++) add(makeLine(text, n))
  flush()
  return batches
}

/** Runs what it is given, four at once. */
export const makeFlight = () => {
  const waiting: Array<() => Promise<void>> = []
  let flying = 0
  let landed = () => {}
  const next = () => {
    const task = flying < 4 ? waiting.shift() : undefined
    if (task === undefined) {
      if (flying === 0) landed()
      return
    }
    flying++
    void task().finally(() => {
      flying--
      next()
    })
    next()
  }
  return {
    run: (task: () => Promise<void>) => {
      waiting.push(task)
      next()
    },
    idle: () =>
      new Promise<void>((resolve) => {
        landed = resolve
        next()
      })
  }
}
