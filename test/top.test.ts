import { assert, describe, it } from "@effect/vitest"
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { bundle, command, start } from "./utils/service.ts"

const present = spawnSync("tmux", ["-V"]).error === undefined

describe("the command top", () => {
  it("prints one frame of what happens, for scripts", async () => {
    const service = await start()
    const ended = new AbortController()
    const asking = (async () => {
      while (!ended.signal.aborted) await (await fetch(`${service.url}/greetings/you`)).text()
    })()
    const { code, stderr, stdout } = await command(["top", "--target", service.admin, "--once", "--interval=300ms"])
    ended.abort()
    await asking
    assert.deepStrictEqual([code, stderr], [0, ""])
    const lines = stdout.split("\n")
    assert.match(lines[0] ?? "", /^reference pass {2}\d+\.\d+\.[0-9a-f]{6}\S* {2}ready {2}local /)
    assert.match(
      lines.find((line) => line.startsWith("greetings.greet")) ?? "",
      /^greetings\.greet +[1-9]\S* +0 +\S+ms +\S+ms +\d+$/
    )
    assert.notInclude(stdout, "\u001b")
    service.signal("SIGTERM")
    await service.exit
    const gone = await command(["top", "--target", service.admin, "--once"])
    assert.deepStrictEqual([gone.code, gone.stdout], [8, ""])
    assert.strictEqual((await command(["top", "--target=x", "--interval=1ms"])).stderr.trim().split("\n").length, 2)
  })

  it("says so where it finds no admin listener", async () => {
    for (const answer of ["{}", "null", "[]"]) {
      const server = createServer((_, response) => response.end(answer))
      await once(server.listen(0, "127.0.0.1"), "listening")
      const { port } = server.address() as AddressInfo
      const target = `http://127.0.0.1:${port}`
      const { code, stderr } = await command(["top", "--once", `--target=${target}`])
      assert.deepStrictEqual([code, stderr], [
        8,
        `${target} gave no answer: nothing that is known; is the admin listener there?\n`
      ])
      server.close()
    }
  })

  it("prints a frame each interval where there is no terminal, also while the service is gone, until nobody reads", async () => {
    const service = await start()
    const child = spawn(process.execPath, [bundle, "top", `--target=${service.admin}`, "--interval=100ms"], {
      stdio: ["ignore", "pipe", "pipe"]
    })
    let text = ""
    const seen = (pattern: RegExp) =>
      new Promise<void>((resolve) => {
        const look = () => {
          if (!pattern.test(text)) return
          child.stdout.off("data", look)
          resolve()
        }
        child.stdout.on("data", look)
        look()
      })
    child.stdout.on("data", (data) => text += String(data))
    await seen(/(^|\n\n)reference[^]*\n\nreference/)
    service.signal("SIGTERM")
    await service.exit
    await seen(/gave no answer/)
    child.stdout.destroy()
    assert.strictEqual((await once(child, "close"))[0], 0)
  })

  it.runIf(present || process.env["CI"] !== undefined)(
    "draws on a terminal, follows its size, and gives it back on q, Ctrl-C and SIGTERM",
    async () => {
      const service = await start()
      const tmux = (...args: ReadonlyArray<string>) =>
        spawnSync("tmux", ["-L", `keelson-${process.pid}`, ...args], { encoding: "utf8" }).stdout
      const shows = async (pattern: RegExp) => {
        for (;;) {
          const screen = tmux("capture-pane", "-p", "-t", "top")
          if (pattern.test(screen)) return screen
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
      }
      const type = (text: string) => tmux("send-keys", "-t", "top", text, "Enter")
      const run = `'${process.execPath}' '${bundle}' top --interval 100ms --target ${service.admin}; echo ended $?`
      tmux("new-session", "-d", "-x", "90", "-y", "20", "-s", "top", "env PS1='$ ' sh")
      try {
        for (const [index, end] of ["q", "C-c", "SIGTERM"].entries()) {
          type(`clear; echo before ${index}; ${run} ${index}`)
          // A terminal that was just made larger tells the programs in it when it sees fit.
          const screen = await shows(/^reference pass(?:.*\n){19}q ends\n?$/)
          assert.notInclude(screen, "before")
          tmux("resize-window", "-t", "top", "-x", "50", "-y", "12")
          await shows(/^reference pass.*~\n[^]*\nq ends\n?$/m)
          if (end === "SIGTERM") {
            const [pid] = tmux("list-panes", "-t", "top", "-F", "#{pane_pid}").trim().split("\n")
            process.kill(Number(spawnSync("pgrep", ["-P", pid ?? ""], { encoding: "utf8" }).stdout.trim()), "SIGTERM")
          } else {
            tmux("send-keys", "-t", "top", end)
          }
          const after = await shows(new RegExp(`^ended 0 ${index}$`, "m"))
          assert.include(after, `before ${index}`)
          assert.notInclude(after, "q ends")
          type("stty -a | grep -o ' icanon'")
          await shows(/^ icanon$/m)
          tmux("resize-window", "-t", "top", "-x", "90", "-y", "20")
        }
      } finally {
        tmux("kill-server")
      }
      service.signal("SIGTERM")
      await service.exit
    }
  )
})
