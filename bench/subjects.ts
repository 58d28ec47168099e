import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"

/** A service to measure: a file for Node, and the path under which it greets the world. */
export interface Subject {
  readonly name: string
  readonly file: string
  readonly args: ReadonlyArray<string>
  readonly path: string
  /** Whether it writes a line per answer. */
  readonly logs: boolean
}

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

const comparison = (name: string, logs: boolean, args: ReadonlyArray<string> = [], file = name): Subject => ({
  name,
  file: path(`subjects/${file}.js`),
  args,
  path: "/greet/world",
  logs
})

/** What every subject answers, byte for byte. */
export const body = `{"message":"Hello, world!"}`

/** What CPU time per request is a ratio to. */
export const base = "raw-node"

export const keelson: Subject = {
  name: "keelson",
  file: path("../dist/main.js"),
  args: ["serve"],
  path: "/greetings/world",
  logs: true
}

/** All subjects, in the order of the table. */
export const subjects: ReadonlyArray<Subject> = [
  comparison(base, false),
  comparison("effect-http", false),
  keelson,
  comparison("fastify", true),
  comparison("fastify-buffered", true, ["--buffered"], "fastify"),
  comparison("express", true),
  comparison("nest-fastify", true),
  comparison("nest-express", true)
]

/** Whether there is anything to start: keelson has to be built first. */
export const exists = (subject: Subject): boolean => existsSync(subject.file)
