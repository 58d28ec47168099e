import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { get } from "node:http"
import { join } from "node:path"
import { afterAll, beforeAll } from "vitest"
import type { Unit } from "../src/services/Unit.ts"
import * as UnitSystemd from "../src/services/UnitSystemd.ts"
import { awkward } from "./utils/awkward.ts"
import { freePort } from "./utils/freePort.ts"
import { boot, bootable, type Machine, until } from "./utils/machine.ts"
import { bundle } from "./utils/service.ts"

interface Seen {
  readonly args: ReadonlyArray<string>
  readonly env: Record<string, string>
  readonly address: string
  readonly interfaces: ReadonlyArray<string>
}

const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 31))

describe.runIf(bootable || process.env["CI"] !== undefined)("a machine that systemd runs", () => {
  let machine: Machine
  let port: number
  let adminPort: number
  const file = "/opt/reference/main.js"
  const unitFile = "/etc/systemd/system/reference.service"

  beforeAll(async () => {
    machine = await boot()
    machine.install(bundle, file)
    port = await freePort()
    adminPort = await freePort()
  })
  afterAll(() => machine.end())

  const init = (...args: ReadonlyArray<string>) =>
    machine.run("env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", machine.node, file, "init", ...args)
  const ports = () => [`--port=${port}`, `--admin-port=${adminPort}`]
  const show = async (unit: string, ...names: ReadonlyArray<string>) =>
    (await machine.run("systemctl", "show", "--value", `--property=${names.join(",")}`, unit)).stdout.trim()
  const greeting = async () => (await fetch(`http://127.0.0.1:${port}/greetings/you`)).text()

  it("installs, enables and starts a service that is ready", async () => {
    const { code, stderr, stdout } = await init(...ports())
    assert.strictEqual(code, 0, stderr)
    assert.strictEqual(
      stdout,
      `written ${unitFile}\n` +
        "linked /etc/systemd/system/multi-user.target.wants/reference.service\n" +
        "started reference: it is ready\n"
    )
    assert.strictEqual(await greeting(), `{"message":"Hello, you!"}`)
    assert.strictEqual((await machine.run("systemctl", "is-enabled", "reference")).stdout.trim(), "enabled")
    assert.strictEqual(await show("reference", "ActiveState"), "active")
  })

  it("leaves that service nothing but its network", async () => {
    const pid = await show("reference", "MainPID")
    const status = (await machine.run("cat", `/proc/${pid}/status`)).stdout
    for (const line of [/^NoNewPrivs:\s1$/m, /^Seccomp:\s2$/m, /^Cap(Eff|Prm|Bnd|Amb):\s0+$/m, /^Uid:\s6\d{4}\s/m]) {
      assert.match(status, line)
    }
    assert.match((await machine.run("cat", `/proc/${pid}/limits`)).stdout, /^Max core file size\s+0\s+0 /m)
    const inside = (...command: ReadonlyArray<string>) => machine.run("nsenter", "--target", pid, "--mount", ...command)
    assert.strictEqual((await inside("ls", "/root", "/home", "/tmp")).stdout, "/home:\n\n/root:\n\n/tmp:\n")
    const [, account = ""] = /^Uid:\s(\d+)/m.exec(status) ?? []
    const as = ["setpriv", `--reuid=${account}`, `--regid=${account}`, "--clear-groups"]
    const find = "find / -maxdepth 4 -path /proc -prune -o -type d -writable -print"
    const writable = await inside(...as, ...find.split(" "))
    const own = ["/dev/mqueue", "/dev/shm", "/run/lock", "/tmp", "/var/tmp"]
    assert.deepStrictEqual(writable.stdout.trim().split("\n").filter((directory) => !own.includes(directory)), [])
  })

  it("profiles that service as any other", async () => {
    for (const kind of ["profile?seconds=1", "heap?seconds=1", "goroutine"]) {
      const response = await fetch(`http://127.0.0.1:${adminPort}/debug/pprof/${kind}`)
      assert.strictEqual(response.status, 200)
      assert.isAbove((await response.arrayBuffer()).byteLength, 100)
    }
  })

  it("is left alone by a second run", async () => {
    const before = [await show("reference", "MainPID"), statSync(join(machine.root, unitFile)).mtimeMs]
    const { code, stdout } = await init(...ports())
    assert.deepStrictEqual([code, stdout], [0, "nothing to change: reference is installed and runs\n"])
    assert.deepStrictEqual(
      [await show("reference", "MainPID"), statSync(join(machine.root, unitFile)).mtimeMs],
      before
    )
  })

  it("is started again with what a changed init says, and when its file is another", async () => {
    const before = await show("reference", "MainPID")
    const changed = await init(...ports(), "--env=DEFAULT_LANGUAGE=de")
    assert.include(changed.stdout, "restarted reference: it is ready")
    assert.strictEqual(await greeting(), `{"message":"Hallo, you!"}`)
    const between = await show("reference", "MainPID")
    assert.notStrictEqual(between, before)
    writeFileSync(join(machine.root, file), `${readFileSync(bundle, "utf8")}// another\n`)
    const updated = await init(...ports(), "--env=DEFAULT_LANGUAGE=de")
    assert.include(updated.stdout, "restarted reference: it is ready")
    assert.notStrictEqual(await show("reference", "MainPID"), between)
  })

  it("comes back when it is killed", async () => {
    const before = await show("reference", "MainPID")
    await machine.run("kill", "-KILL", before)
    await until(async () => {
      const [pid, state] = [await show("reference", "MainPID"), await show("reference", "ActiveState")]
      return pid !== before && state === "active"
    })
    assert.strictEqual(await greeting(), `{"message":"Hallo, you!"}`)
  })

  it("drains and ends well when it is stopped", async () => {
    const slow = fetch(`http://127.0.0.1:${port}/demo/slow?milliseconds=1000`).then((response) => response.text())
    assert.isTrue((await fetch(`http://127.0.0.1:${port}/readyz`)).ok)
    const stopped = await machine.run("systemctl", "stop", "reference")
    assert.strictEqual(stopped.code, 0)
    assert.strictEqual(await slow, `{"message":"after 1000 ms"}`)
    assert.strictEqual(await show("reference", "Result"), "success")
    assert.strictEqual(await show("reference", "ExecMainStatus"), "0")
  })

  it("does not start where it cannot, and init says why", async () => {
    const { code, stderr } = await init(`--port=${port}`, `--admin-port=${port}`)
    assert.strictEqual(code, 1)
    assert.include(stderr, "reference did not become ready")
    assert.include(stderr, "the port is in use")
    await machine.run("systemctl", "stop", "reference")
  })

  it("listens below 1024 as an ordinary account, with the one capability that takes", async () => {
    const low = await freePort(700, 980)
    const { code, stderr } = await init(`--port=${low}`, `--admin-port=${adminPort}`, "--user=daemon")
    assert.strictEqual(code, 0, stderr)
    assert.strictEqual((await fetch(`http://127.0.0.1:${low}/livez`)).status, 200)
    const status = (await machine.run("cat", `/proc/${await show("reference", "MainPID")}/status`)).stdout
    assert.match(status, /^CapEff:\s0+400$/m)
    assert.match(status, /^Uid:\s1\s1\s1\s1$/m)
  })

  it("hands over a socket on which 20 restarts refuse nothing", async () => {
    const installed = await init(...ports(), "--socket", "--lameduck=100ms")
    assert.strictEqual(installed.code, 0, installed.stderr)
    const failures: Array<unknown> = []
    let answered = 0
    let running = true
    const request = () =>
      new Promise<void>((resolve) => {
        get(`http://127.0.0.1:${port}/greetings/you`, { agent: false }, (response) => {
          response.resume()
          response.on("end", () => {
            if (response.statusCode === 200) answered++
            else failures.push(response.statusCode)
            resolve()
          })
        }).on("error", (error) => {
          failures.push(error)
          resolve()
        })
      })
    const clients = [1, 2, 3, 4].map(async () => {
      while (running) await request()
    })
    for (let restart = 0; restart < 20; restart++) {
      const before = answered
      const { code, stderr } = await machine.run("systemctl", "restart", "reference.service")
      assert.strictEqual(code, 0, stderr)
      await until(() => answered > before)
    }
    running = false
    await Promise.all(clients)
    assert.deepStrictEqual(failures, [])
    assert.isAbove(answered, 100)
  }, 120_000)

  it("moves to another socket when init says so", async () => {
    const old = port
    port = await freePort()
    const { code, stderr } = await init(...ports(), "--socket")
    assert.strictEqual(code, 0, stderr)
    assert.strictEqual(await greeting(), `{"message":"Hello, you!"}`)
    assert.strictEqual(await fetch(`http://127.0.0.1:${old}/livez`).then(() => "answered", () => "refused"), "refused")
  })

  it("is as before after uninstall", async () => {
    const { code, stderr } = await init("--uninstall")
    assert.strictEqual(code, 0, stderr)
    for (const path of [unitFile, "/etc/systemd/system/reference.socket"]) {
      assert.isFalse(existsSync(join(machine.root, path)))
    }
    assert.strictEqual(await show("reference.service", "LoadState"), "not-found")
    assert.strictEqual(await show("reference.socket", "LoadState"), "not-found")
    const refused = await fetch(`http://127.0.0.1:${port}/livez`).then(() => "answered", () => "refused")
    assert.strictEqual(refused, "refused")
    assert.strictEqual((await init("--uninstall")).stdout, "nothing to remove: reference is not installed\n")
  })

  it(`reads every argument and variable as it was written (SEED=${seed})`, async () => {
    const texts = awkward(seed, 300)
    const environment = Object.fromEntries(texts.map((text, index) => [`V${index}`, text]))
    writeFileSync(
      join(machine.root, "/opt/echo $%;.js"),
      `if (process.argv[2] === "serve") require("node:http").createServer((_, response) =>
        require("node:dns").lookup("localhost", (error, address) => response.end(JSON.stringify({
          args: process.argv.slice(3),
          env: process.env,
          address,
          interfaces: Object.keys(require("node:os").networkInterfaces())
        })))).listen(${port})`
    )
    const unit: Unit = {
      name: "echo",
      description: "a 50 % \\ \"test\" \\",
      version: "1",
      digest: "",
      program: [machine.node, "/opt/echo $%;.js"],
      flags: texts,
      readyFlags: [],
      environment,
      user: undefined,
      privileged: false,
      stopSeconds: 90,
      startSeconds: 30,
      socket: undefined,
      restartSteps: false
    }
    const [service] = UnitSystemd.render(unit)
    assert(service?.kind === "file")
    writeFileSync(join(machine.root, service.path), service.text)
    await machine.run("systemctl", "daemon-reload")
    const started = await machine.run("systemctl", "start", "echo")
    assert.strictEqual(started.code, 0, started.stderr)
    const seen = await until(() =>
      fetch(`http://127.0.0.1:${port}`).then(
        (response) => response.json() as Promise<Seen>,
        () => undefined
      )
    )
    assert.deepStrictEqual(seen.args, texts)
    assert.include(seen.interfaces, "lo")
    assert.match(seen.address, /^127\.0\.0\.1$|^::1$/)
    assert.deepStrictEqual(
      Object.fromEntries(Object.keys(environment).map((name) => [name, seen.env[name]])),
      environment
    )
    assert.strictEqual(await show("echo", "Description"), "echo 1: a 50 % \\ \"test\"")
    await machine.run("systemctl", "stop", "echo")
  })
})
