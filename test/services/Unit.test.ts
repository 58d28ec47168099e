import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { problems, stopSeconds, type Unit } from "../../src/services/Unit.ts"
import * as UnitOpenrc from "../../src/services/UnitOpenrc.ts"
import * as UnitSystemd from "../../src/services/UnitSystemd.ts"
import * as UnitUpstart from "../../src/services/UnitUpstart.ts"
import { awkward } from "../utils/awkward.ts"
import * as systemdSyntax from "../utils/systemdSyntax.ts"
import * as upstartSyntax from "../utils/upstartSyntax.ts"

const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 31))
const texts = awkward(seed, 300)
const variables = Object.fromEntries(texts.map((text, index) => [`V${index}`, text]))
const has = (command: string) => spawnSync("sh", ["-c", `command -v ${command}`]).status === 0
const checkable = (command: string) => describe.runIf(has(command) || process.env["CI"] !== undefined)

const unit: Unit = {
  name: "orders",
  description: "Takes 100 % of the orders",
  version: "1.1.ab41cd",
  digest: "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
  program: ["/usr/bin/node", "/opt/orders/main.js"],
  flags: ["--port=8080", "--log-level=debug"],
  readyFlags: ["--timeout=60000ms", "--port=8080"],
  environment: { AWS_REGION: "eu-central-1", MOTTO: "5 % of \"$all\"" },
  user: undefined,
  privileged: false,
  stopSeconds: 90,
  startSeconds: 75,
  socket: undefined,
  restartSteps: false
}
const full: Unit = {
  ...unit,
  user: "shop",
  privileged: true,
  socket: { host: "::", port: 80 },
  restartSteps: true
}
const strange: Unit = {
  ...unit,
  program: [process.execPath, "-e", "process.stdout.write(JSON.stringify(process.argv.slice(1)))", "--"],
  flags: texts,
  readyFlags: texts,
  environment: variables,
  user: "shop"
}

const textOf = (entries: ReturnType<typeof UnitSystemd.render>, index = 0): string => {
  const files = entries.flatMap((entry) => entry.kind === "file" ? [entry.text] : [])
  return files[index] ?? ""
}

describe("a unit", () => {
  const golden = (name: string, text: string) => {
    const file = new URL(`../fixtures/init/${name}`, import.meta.url)
    if (process.env["UPDATE_GOLDEN"] !== undefined) writeFileSync(file, text)
    assert.strictEqual(text, readFileSync(file, "utf8"))
  }

  it("is byte for byte what the golden files have", () => {
    golden("orders.service", textOf(UnitSystemd.render(unit)))
    golden("full.service", textOf(UnitSystemd.render(full)))
    golden("full.socket", textOf(UnitSystemd.render(full), 1))
    golden("orders.conf", textOf(UnitUpstart.render({ ...unit, user: "shop" })))
    golden("orders.openrc", textOf(UnitOpenrc.render({ ...unit, user: "shop" })))
  })

  it("owns every path that it may render, in each format", () => {
    for (const format of [UnitSystemd, UnitUpstart, UnitOpenrc]) {
      assert.deepStrictEqual(format.render(full).map(({ path }) => path).sort(), [...format.paths("orders")].sort())
    }
  })

  it("is for everybody to read and for root alone to write", () => {
    const modes = [UnitSystemd, UnitUpstart, UnitOpenrc].flatMap(({ render }) => render(full)).flatMap((entry) =>
      entry.kind === "file" ? [entry.mode] : []
    )
    assert.deepStrictEqual(modes, [0o644, 0o644, 0o644, 0o755])
  })

  it("gives the end more time than the service takes", () => {
    const of = (lameduck: number, shutdownDeadline: number, flushDeadline: number) =>
      stopSeconds({
        lameduck: Duration.seconds(lameduck),
        shutdownDeadline: Duration.seconds(shutdownDeadline),
        flushDeadline: Duration.seconds(flushDeadline)
      })
    assert.strictEqual(of(5, 10, 10), 90)
    assert.strictEqual(of(60, 30, 10.5), 116)
  })

  it("is refused with everything that is wrong with it", () => {
    const wrong: Unit = {
      ...unit,
      name: "a b",
      user: "x:y",
      program: ["/opt/\"node\"", "a\nb"],
      flags: ["--host=\ud800"],
      environment: { "1A": "x", B: "\u0000" },
      socket: { host: "example.com", port: 8080 }
    }
    const found = problems(wrong, "systemd").join("\n")
    for (
      const part of ["--name", "--user", "--host: a socket", "--node", "line break", "Unicode", "\"1A\"", "variable B"]
    ) {
      assert.include(found, part)
    }
    assert.strictEqual(problems(wrong, "systemd").length, 8)
    assert.deepStrictEqual(problems(unit, "systemd"), [])
    assert.deepStrictEqual(problems({ ...unit, user: undefined }, "upstart").map((text) => text.slice(0, 15)), [
      "--user: upstart"
    ])
    assert.strictEqual(problems(full, "openrc").length, 2)
  })
})

describe("a unit for systemd", () => {
  it(`has every argument and variable as it was given (SEED=${seed})`, () => {
    const values = systemdSyntax.read(textOf(UnitSystemd.render(strange)))
    const service = values["Service"] ?? []
    const valuesOf = (key: string) => service.flatMap(([name, value]) => name === key ? [value] : [])
    assert.deepStrictEqual(valuesOf("ExecStart").map(systemdSyntax.command), [[...strange.program, "serve", ...texts]])
    assert.deepStrictEqual(valuesOf("ExecStartPost").map(systemdSyntax.command), [
      [...strange.program, "wait-ready", ...texts]
    ])
    assert.deepStrictEqual(
      valuesOf("Environment").map(systemdSyntax.assignment),
      Object.entries(variables).map(([name, value]) => `${name}=${value}`)
    )
  })

  checkable("systemd-analyze")("as systemd-analyze sees it", () => {
    const directory = mkdtempSync(join(tmpdir(), "keelson-unit-"))
    const put = (unit: Unit) => {
      const files = UnitSystemd.render(unit).flatMap((entry) => {
        if (entry.kind !== "file") return []
        const path = join(directory, entry.path.slice(entry.path.lastIndexOf("/") + 1))
        writeFileSync(path, entry.text)
        return [path]
      })
      return files
    }
    const runnable = { ...unit, program: [process.execPath, "/opt/orders/main.js"] }

    it("verifies without a word", () => {
      for (
        const each of [
          runnable,
          { ...runnable, name: "full", user: "root", privileged: true, socket: { host: "::1", port: 80 } },
          { ...strange, name: "strange", user: undefined }
        ]
      ) {
        const { status, stderr, stdout } = spawnSync("systemd-analyze", ["verify", "--man=no", ...put(each)], {
          encoding: "utf8"
        })
        assert.deepStrictEqual([status, `${stdout}${stderr}`], [0, ""], each.name)
      }
    })

    it("is hardened to an exposure below 2.0", () => {
      for (const each of [runnable, { ...runnable, name: "low", privileged: true }]) {
        const [file = ""] = put(each)
        const { status, stdout } = spawnSync(
          "systemd-analyze",
          ["security", "--offline=true", "--threshold=20", "--no-pager", file],
          { encoding: "utf8" }
        )
        assert.strictEqual(status, 0, stdout)
      }
    })
  })
})

describe("a unit for Upstart", () => {
  it("keeps to the stanzas that init(5) has", () => {
    upstartSyntax.check(textOf(UnitUpstart.render({ ...unit, user: "shop" })))
    upstartSyntax.check(textOf(UnitUpstart.render(strange)))
    for (const wrong of ["start at dawn", "limit core 0", "kill timeout soon", "env \"A=b", "frobnicate", "exec"]) {
      assert.throws(() => upstartSyntax.check(`${wrong}\n`), undefined, undefined, wrong)
    }
  })

  it(`has every argument and variable as it was given (SEED=${seed})`, () => {
    const stanzas = upstartSyntax.check(textOf(UnitUpstart.render(strange)))
    const run = (command: string | undefined) =>
      JSON.parse(spawnSync("sh", ["-e", "-c", `exec ${command}`], { encoding: "utf8" }).stdout) as unknown
    assert.deepStrictEqual(run(stanzas.find(({ name }) => name === "exec")?.rest), ["serve", ...texts])
    assert.deepStrictEqual(run(stanzas.find(({ name }) => name === "post-start exec")?.rest), ["wait-ready", ...texts])
    assert.deepStrictEqual(
      stanzas.flatMap(({ name, words }) => name === "env" ? words : []),
      Object.entries(variables).map(([name, value]) => `${name}=${value}`)
    )
  })
})

describe("a unit for OpenRC", () => {
  const directory = mkdtempSync(join(tmpdir(), "keelson-unit-"))
  const script = join(directory, "orders")
  writeFileSync(script, textOf(UnitOpenrc.render(strange)))

  it("is shell", () => {
    const { status, stderr } = spawnSync("sh", ["-n", script], { encoding: "utf8" })
    assert.deepStrictEqual([status, stderr], [0, ""])
  })

  checkable("shellcheck")("as shellcheck sees it", () => {
    it("has no faults", () => {
      const plain = join(directory, "plain")
      writeFileSync(plain, textOf(UnitOpenrc.render({ ...unit, user: "shop" })))
      const { status, stdout } = spawnSync("shellcheck", [plain], { encoding: "utf8" })
      assert.deepStrictEqual([status, stdout], [0, ""])
    })
  })

  it(`has every argument and variable as it was given (SEED=${seed})`, () => {
    // As sh/supervise-daemon.sh of OpenRC evaluates it.
    const harness = `. "${script}"
supervise_daemon() { shift; "$@"; }
cd "${directory}"
eval supervise_daemon "--start" $command $command_args
printf '\\n'
start_post
printf '\\n'
"${process.execPath}" -e 'process.stdout.write(JSON.stringify(process.env))'
`
    const { stderr, stdout } = spawnSync("sh", ["-e", "-c", harness], { encoding: "utf8" })
    const [start = "", ready = "", env = "{}"] = stdout.split("\n")
    assert.strictEqual(stderr, "")
    assert.deepStrictEqual(JSON.parse(start), ["serve", ...texts])
    assert.deepStrictEqual(JSON.parse(ready), ["wait-ready", ...texts])
    const seen = JSON.parse(env) as Record<string, string>
    assert.deepStrictEqual(Object.fromEntries(Object.keys(variables).map((name) => [name, seen[name]])), variables)
  })
})
