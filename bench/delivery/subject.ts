/**
 * A subject's process: logs lines as it is told and measures what that costs it. Ends as soon as `close` did, as a
 * service would.
 */
import { monitorEventLoopDelay, performance } from "node:perf_hooks"
import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises"
import { makeLine } from "./lines.ts"
import type { Job, Message, Outcome, Progress } from "./messages.ts"
import type { Shipper, Shipping } from "./shipping.ts"

const slice = 500
const tick = 10
const patience = 2_000
const resolution = 2

let received = 0
let changed = performance.now()
let told = () => {}

const tell = (message: Message) => process.send?.(message)

const everything = async (count: number) => {
  while (received < count && performance.now() - changed < patience) await sleep(tick)
}

const run = async ({ file, plan }: Job): Promise<Outcome> => {
  const { closeWithin, lines, text } = plan
  const warmUp = plan.kind === "flood" ? plan.warmUp : 0
  const total = lines + warmUp
  const { start } = await import(file) as Shipper
  const shipping: Shipping = await start({ group: "bench", stream: "bench", lines: total, text })
  const delays = monitorEventLoopDelay({ resolution })
  let logged = 0
  let spent = 0

  const make = (count: number) => Array.from({ length: count }, (_, index) => makeLine(text, logged + index))
  const log = (batch: ReadonlyArray<string>) => {
    const began = performance.now()
    for (const line of batch) shipping.log(line, logged++)
    spent += performance.now() - began
  }

  const flood = async (end: number, window: number) => {
    const most = window / Buffer.byteLength(makeLine(text, end))
    while (logged < end) {
      while (logged - received > most) {
        await new Promise<void>((resolve) => {
          told = resolve
        })
      }
      log(make(Math.min(slice, end - logged)))
      await turn()
    }
  }

  if (plan.kind === "flood") {
    await flood(warmUp, plan.window)
    changed = performance.now()
    await everything(warmUp)
  }
  const burst = plan.kind === "burst" ? make(lines) : []

  const receivedBefore = received
  const loggedBefore = logged
  spent = 0
  delays.enable()
  const usage = process.cpuUsage()
  const began = Date.now()
  tell({ began })

  if (plan.kind === "flood") await flood(total, plan.window)
  if (plan.kind === "burst") log(burst)
  if (plan.kind === "steady") {
    const { perSecond, sampleEvery } = plan
    let sampled = 0
    while (logged < lines) {
      const seconds = (Date.now() - began) / 1000
      log(make(Math.min(lines, Math.floor(seconds * perSecond)) - logged))
      if (sampleEvery !== undefined && seconds >= sampled + sampleEvery) {
        sampled = seconds
        tell({ sample: { seconds, rss: process.memoryUsage.rss(), buffered: shipping.buffered?.() ?? 0 } })
      }
      await sleep(tick)
    }
  }
  const perCall = spent * 1000 / (logged - loggedBefore)

  const closeBegan = performance.now()
  const closed = await Promise.race([shipping.close().then(() => true), sleep(closeWithin, false)])
  const closing = performance.now() - closeBegan
  if (plan.kind === "flood") {
    changed = performance.now()
    await everything(total)
  }
  const { system, user } = process.cpuUsage(usage)
  return {
    logged,
    began,
    receivedBefore,
    closed,
    closing,
    cpu: user + system,
    perCall,
    p99: Math.max(0, delays.percentile(99) / 1e6 - resolution),
    rss: process.resourceUsage().maxRSS * 1024,
    said: shipping.said()
  }
}

process.once("message", (job: Job) => {
  process.on("message", (progress: Progress) => {
    if (progress.received > received) changed = performance.now()
    received = progress.received
    told()
  })
  run(job).then(
    (outcome) => process.send?.({ outcome } satisfies Message, () => process.exit()),
    (error: Error) => {
      console.error(error)
      process.exit(1)
    }
  )
})
process.on("disconnect", () => process.exit())
