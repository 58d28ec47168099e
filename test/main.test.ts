import { assert, describe, it } from "@effect/vitest"
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { closeSync, copyFileSync, mkdtempSync, openSync, writeFileSync } from "node:fs"
import { Agent, get, type IncomingMessage } from "node:http"
import { createServer } from "node:net"
import type { AddressInfo } from "node:net"
import { networkInterfaces, tmpdir } from "node:os"
import { join } from "node:path"
import { bundle, command, start } from "./utils/service.ts"

const request = (url: string, agent?: Agent): Promise<{ response: IncomingMessage; body: string }> =>
  new Promise((resolve, reject) => {
    get(url, agent === undefined ? {} : { agent }, (response) => {
      let body = ""
      response.on("data", (data) => body += String(data))
      response.on("end", () => resolve({ response, body }))
      response.on("error", reject)
    }).on("error", reject)
  })

const version = spawnSync(process.execPath, [bundle, "-v"], { encoding: "utf8" }).stdout.trim()

describe("version", () => {
  it("is one bare line for -v and --version", () => {
    for (const flag of ["-v", "--version"]) {
      const { status, stderr, stdout } = spawnSync(process.execPath, [bundle, flag], { encoding: "utf8" })
      assert.match(stdout, /^\d+\.\d+\.[0-9a-f]{6}(\+CHANGES)?\n$/)
      assert.deepStrictEqual([status, stderr], [0, ""])
    }
  })

  it("is the same over HTTP, in health, OpenAPI and the start-up log", async () => {
    const service = await start()
    const ready = await service.line(({ message }) => message.includes("is ready"))
    assert.strictEqual(ready["version"], version)
    assert.strictEqual(await (await fetch(`${service.url}/version`)).text(), `{"Version":"${version}"}`)
    assert.strictEqual(
      (await (await fetch(`${service.url}/health`)).json() as { releaseId: string }).releaseId,
      version
    )
    assert.strictEqual(
      (await (await fetch(`${service.admin}/health`)).json() as { releaseId: string }).releaseId,
      version
    )
    const spec = await (await fetch(`${service.url}/openapi.json`)).json() as { info: { version: string } }
    assert.strictEqual(spec.info.version, version)
    service.signal("SIGTERM")
    assert.strictEqual((await service.exit).code, 0)
  })
})

describe("one file", () => {
  for (const node of ["node", process.execPath]) {
    for (const type of ["no package.json", "module"]) {
      it(`serves from an otherwise empty directory with ${type}, under ${node === "node" ? "the node of the PATH" : "this node"}`, async () => {
        const directory = mkdtempSync(join(tmpdir(), "keelson-"))
        copyFileSync(bundle, join(directory, "main.js"))
        if (type === "module") writeFileSync(join(directory, "package.json"), `{"type":"module"}`)
        const path = (process.env["PATH"] ?? "").split(":").filter((entry) => !entry.includes("node_modules")).join(":")
        const service = await start({ file: join(directory, "main.js"), node, env: { PATH: path } })
        assert.strictEqual(await (await fetch(`${service.url}/greetings/you`)).text(), `{"message":"Hello, you!"}`)
        service.signal("SIGTERM")
        assert.strictEqual((await service.exit).code, 0)
      })
    }
  }
})

describe("the listeners", () => {
  it("take every address of the machine, of both families where it has them", async () => {
    const service = await start()
    const families = Object.values(networkInterfaces()).flatMap((addresses = []) => addresses)
    const local = families.filter(({ internal }) => internal).map(({ address, family }) =>
      family === "IPv6" ? `[${address}]` : address
    )
    assert.include(local, "127.0.0.1")
    for (const address of local) {
      const { body } = await request(`http://${address}:${new URL(service.url).port}/livez`)
      assert.strictEqual(body, "ok\n", address)
    }
    service.signal("SIGTERM")
    await service.exit
  })
})

describe("settings", () => {
  it("choose the level of what is logged, from a flag in either form or the environment", async () => {
    for (
      const options of [{ flags: ["--log-level=debug"] }, { flags: ["--log-level", "debug"] }, {
        env: { LOG_LEVEL: "debug" }
      }]
    ) {
      const service = await start(options)
      await fetch(`${service.url}/livez`)
      assert.strictEqual((await service.line(({ message }) => message === "GET /livez 200")).level, "DEBUG")
      service.signal("SIGTERM")
      await service.exit
    }
    const service = await start({ flags: ["--log-level=info"] })
    await fetch(`${service.url}/livez`)
    service.signal("SIGTERM")
    await service.exit
    assert.isUndefined(service.lines.find(({ level }) => level === "DEBUG"))
  })
})

describe("a command whose reader is gone", () => {
  for (
    const [code, ...args] of [
      [0, "settings"],
      [0, "template"],
      [0, "--help"],
      [0, "greetings", "greet", "--name=world"],
      [0, "demo", "count", "--to=50000"],
      [1, "health", "--target=http://127.0.0.1:9"]
    ] as const
  ) {
    it(`ends quietly: ${args.join(" ")}`, async () => {
      const child = spawn(process.execPath, [bundle, ...args], { env: { PATH: process.env["PATH"] } })
      child.stdout.destroy()
      let stderr = ""
      child.stderr.on("data", (data) => stderr += String(data))
      assert.deepStrictEqual([await once(child, "close"), stderr], [[code, null], ""])
    })
  }
})

describe("a command whose output has no room", () => {
  for (const args of [["settings"], ["template"], ["--help"], ["greetings", "greet", "--name=world"]]) {
    it(`says so, and exits 74: ${args.join(" ")}`, async () => {
      const full = openSync("/dev/full", "w")
      const child = spawn(process.execPath, [bundle, ...args], {
        env: { PATH: process.env["PATH"] },
        stdio: ["ignore", full, "pipe"]
      })
      closeSync(full)
      let stderr = ""
      child.stderr?.on("data", (data) => stderr += String(data))
      assert.deepStrictEqual([await once(child, "close"), stderr.replace(/: E.*/, ": …")], [
        [74, null],
        "standard output cannot be written: …\n"
      ])
    })
  }
})

describe("the end", () => {
  it("answers what is under way, tells keep-alive clients to go, and exits 0", async () => {
    const service = await start({ flags: ["--lameduck=300ms"] })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const idle = new Agent({ keepAlive: true, maxSockets: 1 })
    const before = await request(`${service.url}/greetings/a`, idle)
    assert.strictEqual(before.response.headers.connection, "keep-alive")
    const slow = request(`${service.url}/demo/slow?milliseconds=800`, agent)
    const arrived = await request(`${service.url}/readyz`)
    assert.strictEqual(arrived.response.statusCode, 200)
    service.signal("SIGTERM")
    await service.line(({ message }) => message === "draining")
    const probe = await request(`${service.url}/readyz`)
    assert.deepStrictEqual([probe.response.statusCode, probe.body], [503, "draining\n"])
    const during = await request(`${service.url}/greetings/b`, idle)
    assert.deepStrictEqual([during.response.statusCode, during.response.headers.connection], [200, "close"])
    const { body, response } = await slow
    assert.deepStrictEqual([response.statusCode, body], [200, `{"message":"after 800 ms"}`])
    assert.strictEqual(response.headers.connection, "close")
    assert.deepStrictEqual(await service.exit, { code: 0, signal: null })
    // The stack has an alarm for each line of these levels: an end as it should be has none, however often it is probed.
    assert.deepStrictEqual(service.lines.filter(({ level }) => level === "ERROR" || level === "FATAL"), [])
  })

  it("does not wait for idle keep-alive connections", async () => {
    const service = await start()
    const agent = new Agent({ keepAlive: true, maxSockets: 4 })
    await Promise.all([1, 2, 3, 4].map(() => request(`${service.url}/greetings/a`, agent)))
    service.signal("SIGTERM")
    assert.strictEqual((await service.exit).code, 0)
    assert.isUndefined(service.lines.find(({ message }) => message.includes("listener cut requests")))
  })

  it("does not wait for a connection that turns idle during the drain, after a stream begun before it", async () => {
    const service = await start()
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const begun = new Promise<IncomingMessage>((resolve, reject) => {
      get(`${service.url}/demo/count?to=6&every=100`, { agent }, resolve).on("error", reject)
    })
    const stream = await begun
    assert.strictEqual(stream.headers.connection, "keep-alive")
    service.signal("SIGTERM")
    let body = ""
    for await (const chunk of stream) body += String(chunk)
    assert.strictEqual(body.trim().split("\n").length, 6)
    assert.strictEqual((await service.exit).code, 0)
    assert.isUndefined(service.lines.find(({ message }) => message.includes("listener cut requests")))
  })

  it("cuts what takes longer than the deadline, says so, and exits 0", async () => {
    const service = await start({ flags: ["--shutdown-deadline=200ms"] })
    const slow = request(`${service.url}/demo/slow?milliseconds=60000`).then(
      ({ response }) => response.statusCode,
      () => "cut"
    )
    await request(`${service.url}/readyz`)
    service.signal("SIGTERM")
    assert.strictEqual((await service.exit).code, 0)
    assert.oneOf(await slow, [503, "cut"])
    assert.isDefined(service.lines.find(({ message }) => message.includes("listener cut requests")))
  })

  it("is shown by the diagnostics, and at once on a second signal", async () => {
    const service = await start({ flags: ["--lameduck=60s"] })
    service.signal("SIGTERM")
    await service.line(({ message }) => message === "draining")
    assert.include((await request(`${service.admin}/health`)).body, `"state":"draining"`)
    service.signal("SIGTERM")
    assert.strictEqual((await service.exit).code, 143)
  })

  it("fails no request of a client that follows readiness, over 20 restarts", async () => {
    let current = await start({ flags: ["--lameduck=150ms"] })
    let running = true
    let answered = 0
    const failures: Array<unknown> = []
    const agent = new Agent({ keepAlive: true, maxSockets: 8 })
    let target = current.url
    const client = async () => {
      while (running) {
        try {
          const { response } = await request(`${target}/greetings/you`, agent)
          if (response.statusCode === 200) answered++
          else failures.push(response.statusCode)
        } catch (error) {
          failures.push(error)
        }
      }
    }
    const clients = [client(), client(), client(), client()]
    for (let restart = 0; restart < 20; restart++) {
      const next = await start({ flags: ["--lameduck=150ms"] })
      const old = current
      old.signal("SIGTERM")
      while ((await request(`${old.url}/readyz`)).response.statusCode === 200);
      target = next.url
      current = next
      assert.strictEqual((await old.exit).code, 0)
    }
    running = false
    await Promise.all(clients)
    assert.deepStrictEqual(failures, [])
    assert.isAbove(answered, 100)
    current.signal("SIGTERM")
    await current.exit
  }, 120_000)
})

describe("what goes wrong at the start", () => {
  it("is one FATAL line and exit 1 when a port is in use", async () => {
    const taken = createServer().listen(0, "0.0.0.0")
    await once(taken, "listening")
    const { port } = taken.address() as AddressInfo
    const { code, stderr, stdout } = await command(["serve", `--port=${port}`, "--admin-port=0"])
    taken.close()
    const lines = stdout.trim().split("\n")
    assert.strictEqual(code, 1)
    assert.strictEqual(lines.length, 1)
    assert.strictEqual(stderr, "")
    const line = JSON.parse(lines[0] ?? "") as { level: string; message: string }
    assert.strictEqual(line.level, "FATAL")
    assert.include(line.message, `[::]:${port} (--port): the port is in use`)
  })

  it("is one FATAL line and no drain when the port of the admin listener is in use", async () => {
    const taken = createServer().listen(0, "127.0.0.1")
    await once(taken, "listening")
    const { port } = taken.address() as AddressInfo
    const { code, stdout } = await command(["serve", "--port=0", `--admin-port=${port}`, "--lameduck=60s"])
    taken.close()
    assert.strictEqual(code, 1)
    assert.match(stdout, /^\{[^\n]*"level":"FATAL","message":"[^\n]*\(--admin-port\): the port is in use[^\n]*\n$/)
  })

  it("is one line with every bad setting and exit 78", async () => {
    const { code, stderr, stdout } = await command(["serve", "--admin-port=99999"], {
      env: { PORT: "abc", LOG_LEVEL: "loud", DEFAULT_LANGUAGE: "la" }
    })
    assert.strictEqual(code, 78)
    assert.strictEqual(stdout, "")
    assert.strictEqual(stderr.trim().split("\n").length, 1)
    const { message } = JSON.parse(stderr) as { message: string }
    for (const part of ["PORT", "\"abc\"", "--admin-port", "99999", "LOG_LEVEL", "\"loud\"", "DEFAULT_LANGUAGE"]) {
      assert.include(message, part)
    }
  })

  it("is exit 3 for a language that only every object has", async () => {
    const { code, stderr, stdout } = await command(["greetings", "greet", "--name=you", "--language=constructor"])
    assert.deepStrictEqual([code, stdout], [3, ""])
    assert.include(stderr, "No greeting in constructor; there is en, de, fr")
  })

  it("is a short message on standard error and exit 2 for a flag or command that does not exist", async () => {
    for (const args of [["serve", "--bogus"], ["nothing"], ["greetings", "greet", "--name=a", "--nome=b"]]) {
      const { code, stderr, stdout } = await command(args)
      assert.deepStrictEqual([code, stdout], [2, ""])
      assert.match(stderr, /Unrecognized flag|Unknown subcommand/)
      assert.include(stderr, "--help")
    }
  })
})
