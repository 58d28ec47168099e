import { fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import { freePort, guard } from "../subject.ts"
import type { Command, Report } from "./messages.ts"

/** The server's process. */
export interface Endpoint {
  readonly url: string
  readonly tell: (command?: Omit<Command, "id">) => Promise<Report>
  readonly stop: () => void
}

/** Starts a server; `progress` is told of every report. */
export const start = async (progress: (report: Report) => void): Promise<Endpoint> => {
  const port = await freePort()
  const child = guard(fork(fileURLToPath(new URL("server.ts", import.meta.url)), [String(port)]))
  const answers = new Map<number, (report: Report) => void>()
  let asked = 0
  const answered = (id: number) => new Promise<Report>((resolve) => answers.set(id, resolve))

  child.on("message", (report: Report) => {
    progress(report)
    if (report.id === undefined) return
    answers.get(report.id)?.(report)
    answers.delete(report.id)
  })
  await answered(0)
  return {
    url: `http://127.0.0.1:${port}`,
    tell: (command = {}) => {
      const id = ++asked
      child.send({ ...command, id }, () => {})
      return answered(id)
    },
    stop: () => {
      child.kill("SIGKILL")
    }
  }
}
