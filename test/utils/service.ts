import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { chosen, type Watch } from "./watch.ts"

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

export interface Program {
  readonly node?: string
  readonly file?: string
  /** What is run, instead of a file by a Node. */
  readonly program?: ReadonlyArray<string>
  readonly cwd?: string
  readonly env?: Record<string, string>
  /** The one that `WATCH` names, if not given. */
  readonly watch?: Watch
}

/** Starts a program under its watch. Its end fails when it left something on disk. */
export const launch = (options: Program, args: ReadonlyArray<string>, env: Record<string, string> = {}) => {
  const { file = bundle, node = process.execPath, watch = chosen } = options
  const { program: [command = "", ...first], written } = watch(options.program ?? [node, file])
  const child = spawn(command, [...first, ...args], {
    cwd: options.cwd,
    env: { PATH: process.env["PATH"], ...env, ...options.env },
    stdio: ["pipe", "pipe", "pipe"]
  })
  const exit = once(child, "close").then(([code, signal]) => {
    const left = written()
    if (left.length > 0) throw new Error(`something was left on disk:\n${left.join("\n")}`)
    return { code: code as number | null, signal: signal as NodeJS.Signals | null }
  })
  return { child, exit }
}

/** Starts `serve` of a built service on free ports and resolves once it says that it is ready. */
export const start = async (
  options: Program & { readonly flags?: ReadonlyArray<string> } = {}
): Promise<Service> => {
  const { child, exit } = launch(options, ["serve", ...(options.flags ?? [])], { PORT: "0", ADMIN_PORT: "0" })
  child.stdin.end()
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
  options: Program & { readonly input?: string } = {}
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> => {
  const { child, exit } = launch(options, args)
  let stdout = ""
  let stderr = ""
  child.stdout.on("data", (data) => stdout += String(data))
  child.stderr.on("data", (data) => stderr += String(data))
  child.stdin.end(options.input ?? "")
  const { code } = await exit
  return { code, stdout, stderr }
}
