import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { bundle } from "keelson/bundle"
import { executable } from "keelson/executable"
import { execFile, spawnSync } from "node:child_process"
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { command, start } from "./utils/service.ts"

const linux = process.platform === "linux"
const present = spawnSync("go", ["tool", "pprof", "-h"]).error === undefined

const directory = mkdtempSync(join(tmpdir(), "keelson-executable-"))
const at = (...names: ReadonlyArray<string>) => join(directory, ...names)

const build = async (name: string, entry: string) => {
  const file = at(`${name}.js`)
  await bundle({ entry: new URL(entry, import.meta.url).pathname, outfile: file, version: "1.1.abcdef" })
  mkdirSync(at(name))
  executable({ bundle: file, outfile: at(name, "main") })
  rmSync(file)
}

beforeAll(async () => {
  if (!linux) return
  await build("reference", "../src/main.ts")
  await build("profiling", "../examples/profiling/main.ts")
  await build("writing", "fixtures/writing.ts")
}, 120_000)

afterAll(() => rmSync(directory, { recursive: true }))

// Alone in a directory, and no Node to be found.
const alone = () => ({ program: ["./main"], cwd: at("reference"), env: { PATH: "" } })

describe.runIf(linux)("an executable", () => {
  it("is one file", () => {
    assert.deepStrictEqual(readdirSync(at("reference")), ["main"])
  })

  it("prints the version of its bundle", async () => {
    for (const flag of ["-v", "--version"]) {
      assert.deepStrictEqual(await command([flag], alone()), { code: 0, stdout: "1.1.abcdef\n", stderr: "" })
    }
  })

  it("serves, runs operations, and drains on SIGTERM", async () => {
    const service = await start(alone())
    assert.strictEqual(await (await fetch(`${service.url}/greetings/you`)).text(), `{"message":"Hello, you!"}`)
    const slow = fetch(`${service.url}/demo/slow?milliseconds=300`)
    await fetch(`${service.url}/readyz`)
    const greet = ["greetings", "greet", "--name=you", "--language=fr"]
    for (const args of [greet, [...greet, `--target=${service.url}`]]) {
      assert.deepStrictEqual(
        await command(args, alone()),
        { code: 0, stdout: `{"message":"Bonjour, you!"}`, stderr: "" }
      )
    }
    const echo = ["demo", "echo", "--input=-"]
    assert.strictEqual((await command(echo, { ...alone(), input: `{"text":"hi"}` })).stdout, `{"text":"hi"}`)
    assert.strictEqual((await command(["greetings", "greet", "--name=you", "--language=xx"], alone())).code, 3)
    assert.match((await command(["--help"], alone())).stdout, /version 1\.1\.abcdef/)
    service.signal("SIGTERM")
    assert.strictEqual((await slow).status, 200)
    assert.deepStrictEqual(await service.exit, { code: 0, signal: null })
  })

  it("takes no flags of Node from the environment or the command line", async () => {
    const options = alone()
    const env = { ...options.env, NODE_OPTIONS: "--bogus --require=/nowhere.js" }
    assert.strictEqual((await command(["-v"], { ...options, env })).stdout, "1.1.abcdef\n")
    assert.strictEqual((await command(["--eval=1"], options)).code, 2)
  })

  it("can neither write nor start a program, but for init", async () => {
    const ask = async (name: string) => {
      const { stderr, stdout } = await command([name, at("writing")], { program: [at("writing", "main")] })
      assert.strictEqual(stderr, "")
      return JSON.parse(stdout) as { readonly denied: ReadonlyArray<string>; readonly execArgv: ReadonlyArray<string> }
    }
    writeFileSync(at("writing", "old"), "")
    const denied = ["write", "append", "rename", "link", "snapshot", "program", "worker"]
    const serving = await ask("serve")
    assert.deepStrictEqual(serving.denied, denied.map((name) => `${name} ERR_ACCESS_DENIED`))
    assert.deepStrictEqual(readdirSync(at("writing")).sort(), ["main", "old"])
    assert.includeMembers([...serving.execArgv], ["--permission", "--disable-sigusr1"])
    assert.deepStrictEqual((await ask("init")).denied, [])
    assert.includeMembers(readdirSync(at("writing")), denied)
  })

  it("may do what it was built to be allowed", async () => {
    const make = (allow: string) =>
      spawnSync(process.execPath, [
        new URL("../src/bin/keelson-bundle.ts", import.meta.url).pathname,
        new URL("fixtures/writing.ts", import.meta.url).pathname,
        at("allowed.js"),
        "--version=1.1.abcdef",
        `--exe=${at("allowed", "main")}`,
        `--allow=${allow}`
      ], { encoding: "utf8" })
    assert.deepInclude(make("everything"), { status: 2, stdout: "" })
    const { status, stderr, stdout } = make("child")
    assert.strictEqual(status, 0, stderr)
    assert.match(stdout, /allowed\.js 1\.1\.abcdef \d+ KiB\n.*allowed\/main 1\.1\.abcdef \d+ MiB\n/)
    const ran = await command(["serve", at("allowed")], { program: [at("allowed", "main")] })
    assert.notInclude(ran.stdout, "program ERR_ACCESS_DENIED")
    assert.include(ran.stdout, "write ERR_ACCESS_DENIED")
    assert.deepStrictEqual(readdirSync(at("allowed")).sort(), ["main", "program"])
  }, 120_000)
})

describe.runIf(linux && present || process.env["CI"] !== undefined)("profiles of an executable", () => {
  it("have the names and files of the sources", async () => {
    const service = await start({ program: ["./main"], cwd: at("profiling"), env: { PATH: "" } })
    const ask = (path: string) => fetch(`${service.url}${path}`, { method: "POST" })
    const top = async (profile: string) => {
      const args = ["tool", "pprof", "-top", "-lines", profile]
      return (await promisify(execFile)("go", args, { env: { ...process.env, PPROF_TMPDIR: directory } })).stdout
    }
    // First the profile: V8 says nothing of what it inlined before.
    const profile = fetch(`${service.admin}/debug/pprof/profile?seconds=2`)
    await fetch(`${service.admin}/health`)
    let done = false
    const spinning = (async () => {
      while (!done) await ask("/spin")
    })()
    writeFileSync(at("cpu.pb.gz"), Buffer.from(await (await profile).arrayBuffer()))
    done = true
    await spinning
    const hot = await top(at("cpu.pb.gz"))
    assert.match(hot, /[\d.]+% +countPrimes examples\/profiling\/main\.ts:\d+/, hot)
    for (let count = 0; count < 50; count++) await ask("/watch")
    assert.match(await top(`${service.admin}/debug/pprof/goroutine`), /^\s+50 .*examples\/profiling\/main\.ts:34/m)
    service.signal("SIGTERM")
    assert.strictEqual((await service.exit).code, 0)
  })
})

describe.runIf(linux)("what cannot be made an executable", () => {
  it("is said, with what to do", () => {
    const outfile = at("none")
    writeFileSync(at("plain.js"), "")
    assert.throws(() => executable({ bundle: at("plain.js"), outfile }), /no bundle .*keelson-bundle/)
    writeFileSync(at("bundle.js"), "__KEELSON_BUNDLE__")
    copyFileSync("/bin/true", at("true"))
    assert.throws(() => executable({ bundle: at("bundle.js"), outfile, node: at("true") }), /Node 24\.21 or later/)
    assert.notInclude(readdirSync(directory), "none")
  })
})
