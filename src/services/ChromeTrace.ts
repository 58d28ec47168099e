import type { Frame } from "./Pprof.ts"

/**
 * One sample of the main thread: when, in microseconds, and the stack, the innermost frame first; empty while idle.
 *
 * @category models
 * @since 1.1.0
 */
export interface TracedSample {
  readonly at: number
  readonly stack: ReadonlyArray<Frame>
}

/**
 * Writes samples as the JSON that chrome://tracing and https://ui.perfetto.dev show: consecutive samples of a function
 * are one call.
 *
 * @category encoding
 * @since 1.1.0
 */
export const encode = (samples: ReadonlyArray<TracedSample>, endedAt: number): string => {
  const events: Array<object> = [
    { ph: "M", name: "thread_name", pid: process.pid, tid: 1, args: { name: "main thread" } }
  ]
  const event = (ph: "B" | "E", { file, line, name }: Frame, ts: number) =>
    events.push({ ph, name, pid: process.pid, tid: 1, ts, ...(ph === "B" ? { args: { file, line } } : {}) })
  let open: ReadonlyArray<Frame> = []
  const turnTo = (stack: ReadonlyArray<Frame>, at: number) => {
    let shared = 0
    while (shared < open.length && shared < stack.length && isSame(open[shared], stack[shared])) shared++
    for (const frame of open.slice(shared).reverse()) event("E", frame, at)
    for (const frame of stack.slice(shared)) event("B", frame, at)
    open = stack
  }
  for (const { at, stack } of samples) turnTo([...stack].reverse(), at)
  turnTo([], endedAt)
  return JSON.stringify({ traceEvents: events, displayTimeUnit: "ms" })
}

const isSame = (one: Frame | undefined, other: Frame | undefined) =>
  one?.name === other?.name && one?.file === other?.file && one?.line === other?.line
