import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { bundle } from "keelson/bundle"
import { executable } from "keelson/executable"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Scenario from "./utils/scenario.ts"
import { command, start } from "./utils/service.ts"
import * as Watch from "./utils/watch.ts"

const directory = mkdtempSync(join(tmpdir(), "keelson-disk-"))
const at = (name: string) => join(directory, name)
const systemPath = (process.env["PATH"] ?? "").split(":").filter((entry) => !entry.includes("node_modules")).join(":")
const ci = process.env["CI"] !== undefined

beforeAll(async () => {
  if (process.platform !== "linux") return
  const make = (name: string, entry: string) =>
    bundle({ entry: new URL(entry, import.meta.url).pathname, outfile: at(`${name}.js`), version: "1.1.abcdef" })
  await make("reference", "../src/main.ts")
  await make("crashing", "fixtures/crashing.ts")
  await make("planted", "fixtures/planted.ts")
  executable({ bundle: at("reference.js"), outfile: at("reference") })
}, 120_000)

afterAll(() => rmSync(directory, { recursive: true }))

/** The whole scenario, which fails where something is left on disk, or could not be. */
const prove = async (watch: Watch.Watch, node = process.execPath) => {
  const env = { PATH: systemPath }
  await Scenario.live({ watch, node, env, file: at("reference.js") })
  await Scenario.crash({ watch, node, env, file: at("crashing.js") })
}

/** What the scenario says when a dependency writes a temporary file. */
const planted = (watch: Watch.Watch): Promise<string> =>
  Scenario.live({ watch, file: at("planted.js"), env: { TMPDIR: directory } }).then(() => "nothing", String)

describe.runIf(Watch.present.strace || ci)("strace of a whole life", { timeout: 120_000 }, () => {
  it("shows no call that leaves something on disk, under this Node", () => prove(Watch.strace))

  it("shows none under the Node of the PATH", () => prove(Watch.strace, "node"))

  it("shows none of an executable", () => Scenario.live({ watch: Watch.strace, program: [at("reference")] }))

  it("shows a dependency that writes", async () => {
    assert.match(await planted(Watch.strace), /left on disk:\n\d+ +openat\(.*\/planted", O_WRONLY\|O_CREAT\|O_APPEND/)
  })
})

describe.runIf(Watch.present.readOnly || ci)("a whole life where everything is read-only", { timeout: 120_000 }, () => {
  it("is the same, under this Node", () => prove(Watch.readOnly))

  it("is the same, under the Node of the PATH", () => prove(Watch.readOnly, "node"))

  it("is that of an executable too", () => Scenario.live({ watch: Watch.readOnly, program: [at("reference")] }))

  it("ends where a dependency writes", async () => {
    assert.match(await planted(Watch.readOnly), /EROFS: read-only file system, open '.*\/planted'/)
  })

  it("is read-only everywhere", async () => {
    const touch = `for place in / /tmp /var/tmp /run /dev/shm "$HOME" .; do touch "$place/keelson" || true; done`
    const env = { HOME: process.env["HOME"] ?? "/" }
    const { code, stderr } = await command([], { watch: Watch.readOnly, program: ["sh", "-c", touch], env })
    assert.strictEqual(code, 0)
    assert.strictEqual(stderr.match(/Read-only file system/g)?.length, 7, stderr)
  })
})

describe.runIf(Watch.present.permission || ci)(
  "a whole life under Node's permission model",
  { timeout: 120_000 },
  () => {
    it("is the same", () => prove(Watch.permission))

    it("refuses profiles without --allow-inspector, and lists fibers without stacks", async () => {
      const watch: Watch.Watch = (program) => {
        const watched = Watch.permission(program)
        return { ...watched, program: watched.program.filter((argument) => argument !== "--allow-inspector") }
      }
      const service = await start({ watch, file: at("reference.js") })
      const ask = async (path: string) => {
        const response = await fetch(`${service.admin}/debug/${path}`)
        return [response.status, await response.text()] as const
      }
      for (const path of ["pprof/profile?seconds=1", "pprof/heap", "pprof/allocs?seconds=1", "trace"]) {
        const [status, said] = await ask(path)
        assert.deepStrictEqual([path, status, said.includes("--allow-inspector")], [path, 503, true])
      }
      for (const path of ["pprof/goroutine?debug=1", "pprof/goroutine?debug=2", "fibers"]) {
        const [status, said] = await ask(path)
        assert.deepStrictEqual([path, status, said.includes("(unknown)")], [path, 200, true])
      }
      service.signal("SIGTERM")
      assert.strictEqual((await service.exit).code, 0)
    })

    it("ends where a dependency writes", async () => {
      assert.match(await planted(Watch.permission), /restricted\. Use --allow-fs-write[^]*planted\.js/)
    })
  }
)
