import { assert, describe, it } from "@effect/vitest"
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { bundle, command, start } from "./utils/service.ts"

const holdable = spawnSync("python3", ["-V"]).status === 0

describe.runIf(holdable || process.env["CI"] !== undefined)("an inherited socket", () => {
  // Holds a listening socket and hands it over as systemd does, to one child after another.
  const holder = `
import os, signal, socket, subprocess, sys
held = socket.create_server(("127.0.0.1", 0), backlog=4096)
os.dup2(held.fileno(), 3, inheritable=True)
print(held.getsockname()[1], flush=True)
def start():
    command = ["sh", "-c", 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"', "sh", *sys.argv[1:]]
    return subprocess.Popen(command, pass_fds=[3], stdout=subprocess.DEVNULL)
child = start()
for line in sys.stdin:
    child.send_signal(signal.SIGTERM)
    print(child.wait(), flush=True)
    child = start()
child.send_signal(signal.SIGTERM)
child.wait()
`
  const hold = (...flags: ReadonlyArray<string>) => {
    const parent = spawn("python3", ["-c", holder, process.execPath, bundle, "serve", "--admin-port=0", ...flags], {
      env: { PATH: process.env["PATH"] },
      stdio: ["pipe", "pipe", "inherit"]
    })
    let read = ""
    const waiting: Array<(line: string) => void> = []
    parent.stdout.on("data", (data) => {
      read += String(data)
      while (read.includes("\n") && waiting.length > 0) {
        const end = read.indexOf("\n")
        waiting.shift()?.(read.slice(0, end))
        read = read.slice(end + 1)
      }
    })
    return {
      line: () =>
        new Promise<string>((resolve) => {
          waiting.push(resolve)
          parent.stdout.emit("data", "")
        }),
      restart: () => parent.stdin.write("\n"),
      end: async () => {
        parent.stdin.end()
        await once(parent, "close")
      }
    }
  }

  it("is served instead of the port of the settings", async () => {
    const held = hold("--port=1")
    const port = await held.line()
    assert.strictEqual((await command(["wait-ready", `--port=${port}`])).code, 0)
    assert.strictEqual(
      await (await fetch(`http://127.0.0.1:${port}/greetings/you`)).text(),
      `{"message":"Hello, you!"}`
    )
    await held.end()
  })

  it("refuses no connection over 20 restarts under load", async () => {
    const held = hold("--lameduck=50ms")
    const port = await held.line()
    await command(["wait-ready", `--port=${port}`])
    const failures: Array<unknown> = []
    let answered = 0
    let running = true
    const clients = [1, 2, 3, 4].map(async () => {
      while (running) {
        await fetch(`http://127.0.0.1:${port}/greetings/you`, { headers: { connection: "close" } }).then(
          async (response) => {
            await response.text()
            if (response.status === 200) answered++
            else failures.push(response.status)
          },
          (error: unknown) => failures.push(error)
        )
      }
    })
    for (let restart = 0; restart < 20; restart++) {
      const exit = held.line()
      held.restart()
      assert.strictEqual(await exit, "0")
      const before = answered
      assert.strictEqual((await command(["wait-ready", `--port=${port}`])).code, 0)
      while (answered === before) await new Promise((resolve) => setImmediate(resolve))
    }
    running = false
    await Promise.all(clients)
    await held.end()
    assert.deepStrictEqual(failures, [])
    assert.isAbove(answered, 100)
  }, 120_000)

  it("is left alone when it was meant for another process", async () => {
    const service = await start({ env: { LISTEN_FDS: "1", LISTEN_PID: "1" } })
    assert.strictEqual((await fetch(`${service.url}/livez`)).status, 200)
    service.signal("SIGTERM")
    await service.exit
  })

  it("that is none ends the start with its reason", async () => {
    const { code, stdout } = await new Promise<{ code: number | null; stdout: string }>((resolve) => {
      const child = spawn("sh", [
        "-c",
        `LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" "$@" 3</dev/null`,
        process.execPath,
        bundle,
        "serve",
        "--admin-port=0"
      ], {
        env: { PATH: process.env["PATH"] }
      })
      let stdout = ""
      child.stdout.on("data", (data) => stdout += String(data))
      child.on("close", (code) => resolve({ code, stdout }))
    })
    assert.strictEqual(code, 1)
    assert.match(stdout, /"FATAL".*the socket it was handed \(file descriptor 3\)/)
  })
})
