import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"

/** A service to measure: a file for Node, the path under which it greets the world, and the one that echoes. */
export interface Subject {
  readonly name: string
  readonly file: string
  readonly args: ReadonlyArray<string>
  readonly path: string
  readonly echo: string
  /** Whether it writes a line per answer. */
  readonly logs: boolean
}

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

const comparison = (name: string, logs: boolean, args: ReadonlyArray<string> = [], file = name): Subject => ({
  name,
  file: path(`subjects/${file}.js`),
  args,
  path: "/greet/world",
  echo: "/echo",
  logs
})

/** What every subject answers to a GET, byte for byte. */
export const greeting = `{"message":"Hello, world!"}`

/** What every subject is posted and echoes, byte for byte: 1 KiB of JSON. */
export const echoed = JSON.stringify({
  text: "All the things your microservices should do. ".repeat(20).slice(0, 793),
  times: 42,
  tags: Array.from({ length: 20 }, (_, index) => `tag-${String(index).padStart(3, "0")}`)
})

/** What CPU time per request and p99 are ratios to. */
export const base = "raw-node"

/** What idle memory is a ratio to: the stack that is told to be light. */
export const memoryBase = "fastify"

export const keelson: Subject = {
  name: "keelson",
  file: path("../dist/main.js"),
  args: ["serve"],
  path: "/greetings/world",
  echo: "/demo/echo",
  logs: true
}

/** All subjects, in the order of the table. */
export const subjects: ReadonlyArray<Subject> = [
  comparison(base, false),
  comparison("effect-http", false),
  keelson,
  comparison("fastify", true),
  comparison("fastify-buffered", true, ["--buffered"], "fastify"),
  comparison("hono", true),
  comparison("express", true),
  comparison("nest-fastify", true),
  comparison("nest-express", true)
]

/** Whether there is anything to start: keelson has to be built first. */
export const exists = (subject: Subject): boolean => existsSync(subject.file)
