import { spawn } from "node:child_process"
import { once } from "node:events"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { greetOnce, patience } from "../greet.ts"
import { makeGenerator } from "../http.ts"
import { pin } from "../pin.ts"
import { freePort, guard, type Usage } from "../subject.ts"
import { keelson, type Subject } from "../subjects.ts"

/** What can be captured, by its name below `/debug/pprof/`; or V8's CPU profiler, with nothing of keelson around it. */
export type Way = "profile" | "heap" | "allocs" | "bare"

/** A service, the reference service if not said, answering requests, profiled or not. */
export interface Service {
  /** Makes some thousand requests: how many CPU microseconds each took, on all threads, while `way` was captured. */
  readonly segment: (way?: Way) => Promise<number>
  /** Asks nothing: how many CPU milliseconds a second it took all the same. */
  readonly rest: (way?: Way) => Promise<number>
  readonly stop: () => void
}

/** How to run it: the CPU that it shares with the load generator, any if undefined. */
export interface Options {
  readonly cpu: number | undefined
  readonly subject?: Subject | undefined
}

// One at a time: with more, how many requests a server finds per wake-up, and so their cost, differs by a sixth.
const connections = 1
// A tenth of a second and more, or a segment has but a few samples.
const requests = 10_000
// A capture begins by walking the heap, and leaves cold caches: neither is what it costs while it runs.
const unmeasured = 750
const warmUps = 30
const settleTime = 30
// keelson samples its own metrics every five seconds.
const restTime = 5_000

/** Starts one and warms it up. */
export const start = async ({ cpu, subject = keelson }: Options): Promise<Service> => {
  const port = await freePort()
  const admin = await freePort()
  const generator = makeGenerator(cpu)
  const [command, args] = pin(cpu, [process.execPath, [
    "--import",
    fileURLToPath(new URL("../probe.js", import.meta.url)),
    subject.file,
    ...subject.args
  ]])
  const child = guard(spawn(command, args, {
    env: { ...process.env, NODE_ENV: "production", PORT: String(port), ADMIN_PORT: String(admin) },
    stdio: ["ignore", "ignore", "inherit", "ipc"]
  }))
  const ended = once(child, "exit").then(() => Promise.reject(new Error(`${subject.name} ended`)))
  ended.catch(() => {})
  const began = performance.now()
  while (await Promise.race([greetOnce(port, subject.path), ended]) === undefined) {
    if (performance.now() - began > patience) throw new Error(`${subject.name} did not answer for ${patience} ms`)
  }

  const tell = (message: "usage" | "profile" | "unprofile") => {
    const answer = new Promise<Usage>((resolve) => child.once("message", (message) => resolve(message as Usage)))
    child.send(message, () => {})
    return Promise.race([answer, ended])
  }
  const usage = () => tell("usage")
  const load = async (count: number) => {
    const outcome = await generator.run({ port, path: subject.path, connections, requests: count })
    if ("failure" in outcome) throw new Error(`${subject.name} ${outcome.failure}`)
  }
  const measure = async () => {
    await load(unmeasured)
    const before = await usage()
    await load(requests)
    await sleep(settleTime)
    return ((await usage()).cpu - before.cpu) / requests
  }

  const rest = async () => {
    const before = await usage()
    await sleep(restTime)
    return ((await usage()).cpu - before.cpu) / restTime
  }
  const bare = async <A>(use: () => Promise<A>) => {
    await tell("profile")
    const result = await use()
    await tell("unprofile")
    return result
  }
  const perhaps = <A>(use: () => Promise<A>) => (way?: Way) =>
    way === undefined ? use() : way === "bare" ? bare(use) : during(`http://127.0.0.1:${admin}/debug/pprof/${way}`, use)

  for (let warmUp = 0; warmUp < warmUps; warmUp++) await measure()
  return {
    segment: perhaps(measure),
    rest: perhaps(rest),
    stop: () => {
      generator.stop()
      child.kill("SIGKILL")
    }
  }
}

interface Capture {
  readonly isUnderWay: () => boolean
  readonly stop: () => Promise<void>
}

// One that begins answers when it ends; until the one before it has ended, it is refused at once.
const capture = async (url: string): Promise<Capture> => {
  const controller = new AbortController()
  let ended = false
  const answer = fetch(`${url}?seconds=120`, { signal: controller.signal }).catch(() => undefined).finally(() => {
    ended = true
  })
  await Promise.race([answer, sleep(settleTime)])
  if (ended) return capture(url)
  return {
    isUnderWay: () => !ended,
    stop: async () => {
      controller.abort()
      await answer
    }
  }
}

const during = async <A>(url: string, use: () => Promise<A>): Promise<A> => {
  const { isUnderWay, stop } = await capture(url)
  const result = await use()
  if (!isUnderWay()) throw new Error(`the capture ended too early: ${url}`)
  await stop()
  return result
}
