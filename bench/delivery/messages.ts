import type { Text } from "./lines.ts"

/**
 * How to log: `flood` as fast as `window` bytes that the server does not have yet allow, after `warmUp` lines that are
 * not measured; `burst` in one tick; `steady` by the clock.
 */
export type Plan =
  & { readonly text: Text; readonly lines: number; readonly closeWithin: number }
  & (
    | { readonly kind: "flood"; readonly window: number; readonly warmUp: number }
    | { readonly kind: "burst" }
    | { readonly kind: "steady"; readonly perSecond: number; readonly sampleEvery?: number }
  )

/** What to do. */
export interface Job {
  readonly file: string
  readonly plan: Plan
}

/** From the harness: what the server has. */
export interface Progress {
  readonly received: number
}

/** How much memory it takes, in bytes, and how much of it is what `Shipping.buffered` says. */
export interface Sample {
  readonly seconds: number
  readonly rss: number
  readonly buffered: number
}

/** What came of it. `cpu` is microseconds, `perCall` microseconds within `log`, `p99` of the event loop's delay, in ms. */
export interface Outcome {
  readonly logged: number
  readonly began: number
  readonly receivedBefore: number
  readonly closed: boolean
  readonly closing: number
  readonly cpu: number
  readonly perCall: number
  readonly p99: number
  readonly rss: number
  readonly said: string
}

/** To the harness. */
export type Message = { readonly began: number } | { readonly sample: Sample } | { readonly outcome: Outcome }

/** `missing` deletes the stream once; `refuse` closes the port; the others last until another is told. */
export type Mode = "ok" | "500" | "reset" | "hang" | "missing" | "refuse"

/** What the harness tells. Each is answered with a report of the same `id`. */
export interface Command {
  readonly id: number
  readonly mode?: Mode
  readonly delay?: number
}

/** Events so far: `received` all, `unique` by their number, `others` without one; and when the last new one came. */
export interface Report {
  readonly id?: number
  readonly requests: number
  readonly refused: number
  readonly received: number
  readonly unique: number
  readonly others: number
  readonly lastNew: number
}
