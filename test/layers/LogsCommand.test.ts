import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Command } from "effect/cli"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { createInterface } from "node:readline"
import { PassThrough } from "node:stream"
import { stripVTControlCharacters } from "node:util"
import * as LogsCommand from "../../src/layers/LogsCommand.ts"
import { capacity } from "../../src/services/Recent.ts"
import { freePort } from "../utils/aws.ts"
import { bundle, command, start } from "../utils/service.ts"

/** `logs …` as a child, with its lines as they come. */
const run = (...args: ReadonlyArray<string>) => {
  const child = spawn(process.execPath, [bundle, "logs", ...args], { env: { PATH: process.env["PATH"] } })
  const lines: Array<string> = []
  const output = createInterface({ input: child.stdout })
  output.on("line", (line) => lines.push(line))
  let stderr = ""
  child.stderr.on("data", (data) => stderr += String(data))
  return {
    lines,
    child,
    exit: once(child, "close").then(([code]) => ({ code: code as number | null, stderr })),
    until: async (done: () => boolean) => {
      while (!done()) await Promise.race([once(output, "line"), once(child.stderr, "data")])
    },
    stderr: () => stderr
  }
}

/** An admin listener whose streams the test itself writes. */
const fake = async (onStream: (response: ServerResponse, connection: number) => void) => {
  let connections = 0
  const server = createServer((_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" })
    onStream(response, ++connections)
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.close()
      server.closeAllConnections()
    }
  }
}

const line = (n: number) => `{"level":"INFO","n":${n}}`
const event = (n: number) => `data: ${line(n)}\n\n`

describe("logs", () => {
  it("prints the last lines of a service as they are, and exits 0", async () => {
    const service = await start({ env: { LOG_LEVEL: "debug" } })
    for (let n = 0; n < 4; n++) await fetch(`${service.url}/livez`)
    await service.line(({ message }) => message.startsWith("GET /livez"))
    const { code, stderr, stdout } = await command(["logs", "--target", service.admin])
    assert.deepStrictEqual([code, stderr], [0, ""])
    const printed = stdout.trim().split("\n")
    assert.isAtMost(printed.length, capacity)
    for (const line of printed) {
      assert.isTrue(service.lines.some((other) => JSON.stringify(other) === JSON.stringify(JSON.parse(line))))
    }
    assert.include(stdout, `"duration_ms":0.`)
    service.signal("SIGTERM")
    await service.exit
  })

  it("follows a service with --follow, ends it on SIGINT with exit code 0", async () => {
    const service = await start()
    for (const flag of ["--follow", "-f"]) {
      const { child, exit, lines, until } = run(flag, "--target", service.admin)
      await until(() => lines.some((line) => line.includes("is ready")))
      await fetch(`${service.url}/greetings/${flag}`)
      await until(() => lines.some((line) => line.includes(`/greetings/${flag}`)))
      child.kill("SIGINT")
      assert.deepStrictEqual(await exit, { code: 0, stderr: "" })
    }
    service.signal("SIGTERM")
    assert.strictEqual((await service.exit).code, 0)
  })

  it("does not keep a service that it follows from ending", async () => {
    const service = await start()
    const { child, exit, lines, stderr, until } = run("--follow", "--target", service.admin)
    await until(() => lines.some((line) => line.includes("is ready")))
    service.signal("SIGTERM")
    assert.strictEqual((await service.exit).code, 0)
    assert.isFalse(service.lines.some(({ message }) => message.includes("cut requests")))
    await until(() => lines.some((line) => line.includes("draining")) && stderr().includes("trying again"))
    child.kill("SIGINT")
    assert.strictEqual((await exit).code, 0)
  })

  it("tries a lost connection again, and prints no line twice", async () => {
    const { close, url } = await fake((response, connection) => {
      if (connection === 1) response.end(event(1) + event(2) + event(3))
      else if (connection === 2) response.destroy()
      else response.write(event(2) + event(3) + event(4))
    })
    const { child, exit, lines, stderr, until } = run("--follow", "--target", url)
    await until(() => lines.includes(line(4)))
    child.kill("SIGINT")
    assert.strictEqual((await exit).code, 0)
    assert.deepStrictEqual(lines, [1, 2, 3, 4].map(line))
    assert.match(stderr(), /the connection to http:\S+ was lost: .*; trying again\n/)
    close()
  })

  it("tells how many lines it lost", async () => {
    const { close, url } = await fake((response) => {
      response.write(`${event(1)}event: lost\ndata: 7\n\n${event(2)}`)
    })
    const { child, exit, lines, stderr, until } = run("--follow", "--target", url)
    await until(() => lines.includes(line(2)) && stderr() !== "")
    child.kill("SIGINT")
    await exit
    assert.deepStrictEqual(lines, [1, 2].map(line))
    assert.strictEqual(stderr(), "7 lines were lost: this reads too slowly\n")
    close()
  })

  it("ends quietly when nobody reads any more", async () => {
    const { close, url } = await fake((response) => {
      const timer = setInterval(() => response.write(event(1) + event(2)), 10)
      response.on("close", () => clearInterval(timer))
    })
    const { child, exit } = run("--follow", "--target", url)
    await once(child.stdout, "data")
    child.stdout.destroy()
    assert.deepStrictEqual(await exit, { code: 0, stderr: "" })
    close()
  })

  it("exits by the table when the target is not there, or is something else", async () => {
    for (const follow of [[], ["--follow"]]) {
      const nowhere = await command(["logs", ...follow, "--target", `http://127.0.0.1:${await freePort()}`])
      assert.strictEqual(nowhere.code, 8)
      assert.include(nowhere.stderr, "is the admin listener there?")
    }
    const service = await start()
    const { code, stderr } = await command(["logs", "--target", service.url])
    assert.strictEqual(code, 3)
    assert.include(stderr, "answered 404")
    service.signal("SIGTERM")
    await service.exit
  })

  it.live("prints lines for people on a terminal, unless told not to", () =>
    Effect.gen(function*() {
      const said = `{"timestamp":"2026-11-24T01:02:03.004Z","level":"WARN","message":"low","sku":"\\u001b[2J"}`
      const { close, url } = yield* Effect.promise(() => fake((response) => response.end(`[${said}]\n`)))
      const printed = Effect.fnUntraced(function*(...flags: ReadonlyArray<string>) {
        const stdout = Object.assign(new PassThrough(), { isTTY: true })
        const logs = LogsCommand.make({ stdout, stderr: new PassThrough() })
        yield* Command.runWith(logs, { version: "1" })(["--target", url, ...flags])
        return stripVTControlCharacters(String(stdout.read()))
      })
      assert.strictEqual(yield* printed(), "01:02:03.004 WARN  low sku=\\x1b[2J\n")
      assert.strictEqual(yield* printed("--json"), `${said}\n`)
      close()
    }).pipe(Effect.provide(NodeServices.layer)))

  it("knows when it goes on until a signal", () => {
    assert.isTrue(LogsCommand.isFollowing(["logs", "--target", "x", "-f"]))
    assert.isTrue(LogsCommand.isFollowing(["logs", "--follow"]))
    assert.isFalse(LogsCommand.isFollowing(["logs"]))
    assert.isFalse(LogsCommand.isFollowing(["profile", "--follow"]))
  })
})
