import { assert, describe, it } from "@effect/vitest"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const main = fileURLToPath(new URL("../dist/main.js", import.meta.url))

// Those that take long to load, and that no first answer needs.
const late = ["child_process", "cluster", "crypto", "dgram", "dns", "https", "os", "perf_hooks", "tls", "tty"]

interface Seen {
  /** What of Node was loaded. */
  readonly loaded: ReadonlyArray<string>
  /** Bytes of V8's new space. */
  readonly newSpace: number
}

// Says what there is when the process listens for the first time, before anybody hears of it.
const watch = `const { Server } = require("node:net")
const { emit } = Server.prototype
const said = new Set(process.moduleLoadList)
Server.prototype.emit = function(event) {
  if (event === "listening") {
    Server.prototype.emit = emit
    const loaded = process.moduleLoadList.filter((name) => !said.has(name))
    const spaces = require("node:v8").getHeapSpaceStatistics()
    const { space_available_size, space_used_size } = spaces.find(({ space_name }) => space_name === "new_space")
    const newSpace = space_used_size + space_available_size
    process.stderr.write(JSON.stringify({ loaded, newSpace }))
    process.kill(process.pid, "SIGKILL")
  }
  return Reflect.apply(emit, this, arguments)
}
`

const start = async (...flags: ReadonlyArray<string>): Promise<Seen> => {
  const directory = mkdtempSync(join(tmpdir(), "keelson-start-"))
  try {
    const preload = join(directory, "watch.cjs")
    writeFileSync(preload, watch)
    const child = spawn(process.execPath, [...flags, "--require", preload, main, "serve"], {
      env: { PATH: process.env["PATH"], PORT: "0", ADMIN_PORT: "0" },
      stdio: ["ignore", "pipe", "pipe"]
    })
    let said = ""
    child.stderr.on("data", (chunk) => said += String(chunk))
    await once(child, "close")
    return JSON.parse(said) as Seen
  } finally {
    rmSync(directory, { recursive: true })
  }
}

describe("a start", () => {
  it("has loaded of Node only what it needs when it listens", async () => {
    const { loaded } = await start()
    assert.include(loaded, "NativeModule http")
    assert.deepStrictEqual(loaded.filter((name) => late.includes(name.replace("NativeModule ", ""))), [])
  })

  it("has room for what it makes, which collections would copy", async () => {
    const { newSpace } = await start()
    assert.isAbove(newSpace, 4e6)
  })

  it("leaves V8's room to who gave a flag for it", async () => {
    const { newSpace } = await start("--semi-space-growth-factor=8")
    assert.isAbove(newSpace, 8e6)
  })
})
