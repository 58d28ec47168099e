import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { bundle } from "keelson/bundle"
import { execFile, spawn, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { encode } from "../src/services/Pprof.ts"
import { heap } from "../src/services/PprofText.ts"
import { freePort, until } from "./utils/aws.ts"
import { command, type Service, start } from "./utils/service.ts"

// Go's own client. Where CI is set, it must be there.
const present = spawnSync("go", ["tool", "pprof", "-h"]).error === undefined

const systemPath = (process.env["PATH"] ?? "").split(":").filter((entry) => !entry.includes("node_modules")).join(":")
const file = join(mkdtempSync(join(tmpdir(), "keelson-pprof-")), "main.js")
const directory = mkdtempSync(join(tmpdir(), "keelson-pprof-"))

const go = async (...args: ReadonlyArray<string>): Promise<string> => {
  const { stdout } = await promisify(execFile)("go", ["tool", "pprof", ...args], {
    env: { ...process.env, PPROF_TMPDIR: directory, PPROF_NO_BROWSER: "1" },
    maxBuffer: 64 * 1024 * 1024
  })
  return stdout
}

/** The row of a function in what `-top` prints. */
const row = (top: string, name: string): string => top.split("\n").find((line) => line.includes(name)) ?? ""

beforeAll(async () => {
  await bundle({
    entry: new URL("../examples/profiling/main.ts", import.meta.url).pathname,
    outfile: file,
    version: "1.1.abcdef"
  })
})

afterAll(() => rmSync(directory, { recursive: true }))

const end = async (service: Service) => {
  service.signal("SIGTERM")
  assert.strictEqual((await service.exit).code, 0)
}

const nodes = [["this Node", process.execPath, process.env["PATH"] ?? ""], ["the Node of the PATH", "node", systemPath]]

for (const [which, node = "", path = ""] of nodes) {
  describe.runIf(present || process.env["CI"] !== undefined)(`go tool pprof, against ${which}`, () => {
    const serve = (env: Record<string, string> = {}) => start({ file, node, env: { PATH: path, ...env } })
    const post = (service: Service, path: string) => fetch(`${service.url}${path}`, { method: "POST" })

    it("finds a hot loop, by its name and file in the sources", async () => {
      const service = await serve()
      let done = false
      const spinning = (async () => {
        while (!done) await post(service, "/spin")
      })()
      const url = `${service.admin}/debug/pprof/profile?seconds=2`
      const profile = join(directory, "cpu.pb.gz")
      writeFileSync(profile, Buffer.from(await (await fetch(url)).arrayBuffer()))
      done = true
      await spinning
      const top = await go("-top", "-lines", profile)
      assert.match(top, /Type: cpu/)
      assert.match(row(top, "countPrimes"), /countPrimes examples\/profiling\/main\.ts:\d+/)
      assert.include(top.split("\n")[top.split("\n").findIndex((line) => line.includes("flat%")) + 1], "countPrimes")
      assert.include(await go("-traces", profile), "countPrimes")
      assert.notInclude(top, "(idle)")
      const again = join(directory, "again.pb.gz")
      await go("-proto", `-output=${again}`, profile)
      assert.strictEqual(row(await go("-top", again), "countPrimes"), row(await go("-top", profile), "countPrimes"))
      await end(service)
    })

    it("finds a leak of memory, in a difference and since the start", async () => {
      for (const env of [{}, { HEAP_SAMPLING: "on" }]) {
        const service = await serve(env)
        const remember = async () => {
          for (let round = 0; round < 40; round++) await post(service, "/remember")
        }
        const leaking = Object.keys(env).length === 0 ? undefined : await remember()
        const query = Object.keys(env).length === 0 ? "?seconds=3" : "?gc=1"
        const [top] = await Promise.all([
          go("-top", `${service.admin}/debug/pprof/heap${query}`),
          ...(leaking === undefined && query === "?seconds=3" ? [remember()] : [])
        ])
        assert.match(top, /Type: inuse_space/)
        assert.include(top, "rememberForever")
        assert.include(row(await go("-top", `${service.admin}/debug/pprof/heap?seconds=1`), "Type"), "inuse_space")
        await end(service)
      }
    })

    it("counts what was allocated, dead or alive", async () => {
      const service = await serve({ HEAP_SAMPLING: "on" })
      let done = false
      const remembering = (async () => {
        while (!done) await post(service, "/remember")
      })()
      const top = await go("-top", "-sample_index=alloc_space", `${service.admin}/debug/pprof/allocs?seconds=2`)
      done = true
      await remembering
      assert.include(top, "rememberForever")
      await end(service)
    })

    it("shows 500 stuck fibers as goroutines, where they stand", async () => {
      const service = await serve()
      for (let count = 0; count < 500; count++) await post(service, "/watch")
      const top = await go("-top", `${service.admin}/debug/pprof/goroutine`)
      assert.match(top, /^\s+500 /m)
      const lines = await go("-top", "-lines", `${service.admin}/debug/pprof/goroutine`)
      assert.match(lines, /^\s+500 .*examples\/profiling\/main\.ts:34/m)
      assert.include(await go("-tags", `${service.admin}/debug/pprof/goroutine`), "troubles.watch")
      await end(service)
    })

    it("reads every other profile, text and binary, and serves its own pages of them", async () => {
      const service = await serve({ HEAP_SAMPLING: "on" })
      for (const name of ["block", "mutex", "threadcreate", "heap?debug=1", "goroutine?debug=1"]) {
        const saved = join(directory, name.replaceAll(/\W/g, "-"))
        const response = await fetch(`${service.admin}/debug/pprof/${name}`)
        writeFileSync(saved, Buffer.from(await response.arrayBuffer()))
        assert.match(await go("-raw", saved), /PeriodType|Samples/)
        assert.match(await go("-raw", `${service.admin}/debug/pprof/${name}`), /PeriodType|Samples/)
      }
      const port = await freePort()
      const url = `${service.admin}/debug/pprof/goroutine`
      const pages = spawn("go", ["tool", "pprof", `-http=127.0.0.1:${port}`, "-no_browser", url], {
        env: { ...process.env, PPROF_TMPDIR: directory },
        stdio: "ignore",
        detached: true
      })
      const page = `http://127.0.0.1:${port}/ui/flamegraph`
      await until(() => fetch(page).then(({ ok }) => ok, () => false))
      assert.include(await (await fetch(page)).text(), "goroutine")
      process.kill(-(pages.pid ?? 0), "SIGTERM")
      await end(service)
    })
  })
}

describe.runIf(present || process.env["CI"] !== undefined)("go tool pprof, of the heap", () => {
  it("has the same totals in text and binary", async () => {
    const samples = [[4, 400], [20, 2_000_000], [1, 4_637_048]].map((values, line) => ({
      stack: [{ name: "grow", file: "src/main.ts", line }],
      values
    }))
    const sampleTypes = [{ type: "objects", unit: "count" }, { type: "space", unit: "bytes" }]
    const periodType = { type: "space", unit: "bytes" }
    const totals = async (name: string, profile: string | Uint8Array) => {
      const saved = join(directory, name)
      writeFileSync(saved, profile)
      return Promise.all(
        ["objects", "space"].map(async (type) =>
          / of (\d+)B total/.exec(await go("-top", "-unit=B", `-sample_index=${type}`, saved))?.[1]
        )
      )
    }
    const binary = await totals("heap.pb", encode({ sampleTypes, periodType, period: 524_288, startedAt: 0, samples }))
    assert.deepStrictEqual(binary, ["25", "6637448"])
    assert.deepStrictEqual(await totals("heap.txt", heap(samples, ["said"])), binary)
  })
})

describe("the command profile", () => {
  it("fetches a profile, or draws it, and says why it cannot", async () => {
    const service = await start({ file })
    for (let count = 0; count < 30; count++) await fetch(`${service.url}/watch`, { method: "POST" })
    const target = `--target=${service.admin}`
    const run = (...args: ReadonlyArray<string>) => command(["profile", ...args], { file })

    const text = await run(target, "--kind=goroutine", "--flame=text")
    assert.strictEqual(text.code, 0, text.stderr)
    assert.match(text.stdout, /examples\/profiling\/main\.ts:34/)
    const html = await run(target, "--kind=goroutine", "--flame=html")
    assert.match(html.stdout, /^<!DOCTYPE html>[^]*neverDone|main\.ts:34/)
    const raw = await run(target, "--seconds=1", "-o", "-")
    assert.strictEqual(raw.code, 0, raw.stderr)
    assert.isAbove(raw.stdout.length, 100)

    const written = await run(target, "-o", "profile.pb.gz")
    assert.deepStrictEqual([written.code, /redirect/.test(written.stderr)], [2, true])
    const long = await run(target, "--seconds=121")
    assert.deepStrictEqual([long.code, /exceeds/.test(long.stderr)], [2, true])
    const nobody = await run("--target=http://127.0.0.1:1")
    assert.deepStrictEqual([nobody.code, /admin listener/.test(nobody.stderr)], [8, true])
    await end(service)
  })
})
