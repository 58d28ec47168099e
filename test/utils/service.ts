import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"

/** The bundle that `npm run build` made. */
export const bundle = new URL("../../dist/main.js", import.meta.url).pathname

interface Line {
  readonly level: string
  readonly message: string
  readonly [field: string]: unknown
}

export interface Service {
  readonly url: string
  readonly admin: string
  readonly process: ChildProcess
  readonly lines: ReadonlyArray<Line>
  /** Resolves with the first line, past or future, that `predicate` takes. */
  readonly line: (predicate: (line: Line) => boolean) => Promise<Line>
  readonly signal: (signal: NodeJS.Signals) => void
  readonly exit: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
}

/** Starts `serve` of a built service on free ports and resolves once it says that it is ready. */
export const start = async (
  options: {
    readonly flags?: ReadonlyArray<string>
    readonly env?: Record<string, string>
    readonly node?: string
    readonly file?: string
  } = {}
): Promise<Service> => {
  const child = spawn(
    options.node ?? process.execPath,
    [options.file ?? bundle, "serve", ...(options.flags ?? [])],
    {
      env: { PATH: process.env["PATH"], PORT: "0", ADMIN_PORT: "0", ...options.env },
      stdio: ["ignore", "pipe", "pipe"]
    }
  )
  const lines: Array<Line> = []
  const waiting = new Set<{ predicate: (line: Line) => boolean; resolve: (line: Line) => void }>()
  const output: Array<string> = []
  child.stderr.on("data", (data) => output.push(String(data)))
  createInterface({ input: child.stdout }).on("line", (text) => {
    output.push(text)
    const line = JSON.parse(text) as Line
    lines.push(line)
    for (const waiter of waiting) {
      if (!waiter.predicate(line)) continue
      waiting.delete(waiter)
      waiter.resolve(line)
    }
  })
  const exit = once(child, "close").then(([code, signal]) => ({ code, signal }))
  const line: Service["line"] = (predicate) => {
    const past = lines.find(predicate)
    if (past !== undefined) return Promise.resolve(past)
    return Promise.race([
      new Promise<Line>((resolve) => waiting.add({ predicate, resolve })),
      exit.then(({ code }) => Promise.reject(new Error(`exited ${code} before the line came:\n${output.join("\n")}`)))
    ])
  }
  const ready = await line(({ message }) => message.includes("is ready"))
  return {
    url: String(ready["service_url"]),
    admin: String(ready["admin_url"]),
    process: child,
    lines,
    line,
    signal: (signal) => child.kill(signal),
    exit
  }
}

/** Runs a command of the bundle to its end. */
export const command = async (
  args: ReadonlyArray<string>,
  options: {
    readonly env?: Record<string, string>
    readonly input?: string
    readonly node?: string
    readonly file?: string
  } = {}
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> => {
  const child = spawn(options.node ?? process.execPath, [options.file ?? bundle, ...args], {
    env: { PATH: process.env["PATH"], ...options.env },
    stdio: ["pipe", "pipe", "pipe"]
  })
  let stdout = ""
  let stderr = ""
  child.stdout.on("data", (data) => stdout += String(data))
  child.stderr.on("data", (data) => stderr += String(data))
  child.stdin.end(options.input ?? "")
  const [code] = await once(child, "close")
  return { code, stdout, stderr }
}
