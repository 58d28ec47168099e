import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { guard } from "../subject.ts"
import * as Endpoint from "./endpoint.ts"
import type { Job, Message, Outcome, Plan, Report, Sample } from "./messages.ts"
import type { Subject } from "./subjects.ts"

/** What one process logged, and what of it a server of its own has. */
export interface Result {
  readonly outcome: Outcome
  readonly report: Report
  readonly lost: number
  readonly twice: number
  /** From the first line to the last that arrived, in seconds. */
  readonly seconds: number
}

/** What happens to the server meanwhile; `began` is when the first line is logged. */
export interface Events {
  readonly before?: (endpoint: Endpoint.Endpoint) => Promise<unknown>
  readonly began?: (endpoint: Endpoint.Endpoint) => void
  readonly sample?: (sample: Sample) => void
}

// What a process wrote before its end may not have been read yet.
const settleTime = 500

const environment = (url: string) => ({
  ...process.env,
  NODE_ENV: "production",
  AWS_ENDPOINT_URL: url,
  AWS_REGION: "eu-west-1",
  AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
  AWS_SECRET_ACCESS_KEY: "secret",
  AWS_EC2_METADATA_DISABLED: "true"
})

/** One subject, one plan, one server. */
export const run = async ({ file, name }: Subject, plan: Plan, events: Events = {}): Promise<Result> => {
  let received = 0
  let child: ChildProcess | undefined
  const endpoint = await Endpoint.start((report) => {
    if (report.unique === received) return
    received = report.unique
    if (child?.connected === true) child.send({ received }, () => {})
  })
  await events.before?.(endpoint)
  child = guard(
    fork(fileURLToPath(new URL("subject.ts", import.meta.url)), {
      env: environment(endpoint.url),
      stdio: ["ignore", "ignore", "pipe", "ipc"]
    })
  )
  let complaint = ""
  child.stderr?.on("data", (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-2000)
  })
  let outcome: Outcome | undefined
  child.on("message", (message: Message) => {
    if ("began" in message) events.began?.(endpoint)
    if ("sample" in message) events.sample?.(message.sample)
    if ("outcome" in message) outcome = message.outcome
  })
  child.send({ file, plan } satisfies Job)
  await Promise.all([once(child, "exit"), once(child, "disconnect")])
  await sleep(settleTime)
  const report = await endpoint.tell()
  endpoint.stop()
  if (outcome === undefined) throw new Error(`${name} ended before it was done\n${complaint}`)
  return {
    outcome,
    report,
    lost: outcome.logged - report.unique,
    twice: report.received - report.others - report.unique,
    seconds: (report.lastNew - outcome.began) / 1000
  }
}
