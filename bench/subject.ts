import { type ChildProcess, spawn } from "node:child_process"
import { createServer } from "node:net"
import { performance } from "node:perf_hooks"
import { setTimeout as sleep } from "node:timers/promises"
import { greetOnce, patience } from "./greet.ts"
import { pin } from "./pin.ts"
import type { Subject } from "./subjects.ts"

/** Where standard output goes: `pipe` is read by the harness, as a container's is; `null` is `/dev/null`. */
export type Sink = "pipe" | "null"

/** What a subject's process has used: CPU microseconds, user and system, resident bytes, and those of its heap. */
export interface Usage {
  readonly cpu: number
  readonly rss: number
  readonly heap: number
}

/** A subject's process that answers. */
export interface Running {
  readonly subject: Subject
  readonly pid: number
  readonly port: number
  /** From spawn to the first right answer, in milliseconds. */
  readonly started: number
  /** `collected`: after garbage was collected. */
  readonly usage: (collected?: boolean) => Promise<Usage>
  /** Lines read from its standard output so far; 0 for another sink. */
  readonly lines: () => number
  readonly stop: () => Promise<void>
}

const retryDelay = 1

const children = new Set<ChildProcess>()

process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL")
})
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(1))

/** Remembers a child, so that it does not outlive the harness. */
export const guard = <Child extends ChildProcess>(child: Child): Child => {
  children.add(child)
  child.once("exit", () => children.delete(child))
  return child
}

/**
 * A port nobody listens on, below the range the kernel takes ports of clients from: polling a port of that range can
 * take the port from its server, or connect a socket to itself.
 */
export const freePort = (): Promise<number> => {
  const port = 20_000 + Math.floor(Math.random() * 12_000)
  return new Promise((resolve) => {
    const server = createServer()
    server.once("error", () => resolve(freePort()))
    server.listen({ host: "0.0.0.0", port }, () => server.close(() => resolve(port)))
  })
}

/** Starts a subject and waits for its first right answer. */
export const start = async (
  subject: Subject,
  { cpu, node, port, probe, sink }: {
    readonly cpu?: number | undefined
    readonly node: string
    readonly port: number
    readonly probe: boolean
    readonly sink: Sink
  }
): Promise<Running> => {
  const spawned = performance.now()
  const [command, args] = pin(cpu, [node, [
    ...probe ? ["--import", new URL("probe.js", import.meta.url).href] : [],
    subject.file,
    ...subject.args
  ]])
  const child = guard(spawn(command, args, {
    env: { ...process.env, NODE_ENV: "production", PORT: String(port), ADMIN_PORT: "0" },
    stdio: ["ignore", sink === "pipe" ? "pipe" : "ignore", "pipe", probe ? "ipc" : "ignore"]
  }))

  let failure: string | undefined
  let complaint = ""
  let last: Buffer = Buffer.alloc(0)
  let lines = 0
  const exited = new Promise<void>((resolve) => {
    child.once("exit", (code, signal) => {
      failure ??= `ended with ${code ?? signal}`
      resolve()
    })
    child.once("error", (error) => {
      failure = error.message
      resolve()
    })
  })
  child.stderr?.on("data", (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-2000)
  })
  child.stdout?.on("data", (chunk: Buffer) => {
    last = chunk
    for (let index = chunk.indexOf(10); index !== -1; index = chunk.indexOf(10, index + 1)) lines++
  })

  const stop = async () => {
    child.kill("SIGKILL")
    await exited
  }
  const fail = async (why: string) => {
    await stop()
    throw new Error(`${subject.name} ${why}\n${complaint}${last.subarray(-1000)}`)
  }

  let answered: number | undefined
  let answer = "did not answer"
  while (answered === undefined) {
    if (failure !== undefined) await fail(failure)
    if (performance.now() - spawned > patience) await fail(`${answer} for ${patience} ms`)
    answered = await greetOnce(port, subject.path).catch((error: Error) => {
      answer = error.message
      return undefined
    })
    if (answered === undefined) await sleep(retryDelay)
  }

  return {
    subject,
    pid: child.pid ?? Number.NaN,
    port,
    started: answered - spawned,
    usage: (collected = false) => {
      const answer = new Promise<Usage>((resolve) => child.once("message", (message) => resolve(message as Usage)))
      child.send(collected ? "collect" : "usage", () => {})
      return Promise.race([answer, exited.then(() => fail(failure ?? "ended"))])
    },
    lines: () => lines,
    stop
  }
}
