import { spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as zlib from "node:zlib"
import { type Compiled, type Parts, render } from "./Launcher.ts"

const patience = 20_000

/**
 * Runs a bundle under this Node until its service has answered itself, and returns what V8 compiled by then: with it a
 * start compiles nothing. `undefined` where the entry starts no service, and on a Node that cannot unpack it (before
 * 22.15).
 *
 * **Details**
 *
 * The entry is imported, as `--help` does, and can neither write files nor start programs; of the service that it defines
 * nothing is run, a small one takes its place, on free ports of loopback.
 *
 * @category build
 * @since 1.1.0
 */
export const rehearse = async (parts: Parts): Promise<Compiled | undefined> => {
  if (!("zstdCompressSync" in zlib)) return undefined
  const directory = mkdtempSync(join(tmpdir(), "keelson-rehearsal-"))
  try {
    const file = join(directory, "main.js")
    writeFileSync(file, render(parts, { rehearsal: true }))
    return await run(directory, file, new Set([...parts.plain, ...parts.start]))
  } finally {
    rmSync(directory, { recursive: true })
  }
}

interface Message {
  readonly node: string
  readonly compiled: ReadonlyArray<readonly [name: string, bytes: Uint8Array]>
}

// It may read and serve; that Node asks about the latter is new in 25.
const permissions = ["--permission", "--allow-fs-read=*"]
if (process.allowedNodeEnvironmentFlags.has("--allow-net")) permissions.push("--allow-net")

const run = (directory: string, file: string, kept: ReadonlySet<string>): Promise<Compiled | undefined> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...permissions, file, "serve"], {
      cwd: directory,
      env: {},
      serialization: "advanced",
      stdio: ["ignore", "pipe", "ignore", "ipc"]
    })
    child.stdout?.resume()
    const late = setTimeout(() => child.kill("SIGKILL"), patience)
    child.once("error", reject)
    child.once("message", ({ compiled, node }: Message) => {
      clearTimeout(late)
      resolve({ node, parts: new Map(compiled.filter(([name]) => kept.has(name))) })
    })
    child.once("exit", () => {
      clearTimeout(late)
      resolve(undefined)
    })
  })
