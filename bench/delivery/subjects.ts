import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"

/** A way to ship lines: a file in `subjects/`, and what must be there for it. */
export interface Subject {
  readonly name: string
  readonly file: string
  readonly needs: string
  /** Whether it only stands for what shipping costs at least. */
  readonly bare: boolean
}

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

const subject = (name: string, extension: "ts" | "js", needs: string, bare = false): Subject => ({
  name,
  file: path(`subjects/${name}.${extension}`),
  needs: path(needs),
  bare
})

/** What ratios refer to. */
export const base = subject("sdk-loop", "ts", "../../node_modules/@aws-sdk/client-cloudwatch-logs")

export const keelson = subject("keelson", "js", "../../dist/lib/layers/LogSinkCloudWatch.js")

/** All subjects, in the order of the tables. */
export const subjects: ReadonlyArray<Subject> = [
  subject("raw-post", "ts", "subjects/raw-post.ts", true),
  base,
  keelson,
  subject("winston-cloudwatch", "js", "../node_modules/winston-cloudwatch"),
  subject("pino-cloudwatch", "js", "../node_modules/@serdnam/pino-cloudwatch-transport"),
  subject("logtape", "js", "../node_modules/@logtape/cloudwatch-logs")
]

/** Whether what it needs is built or installed. */
export const exists = ({ needs }: Subject): boolean => existsSync(needs)
