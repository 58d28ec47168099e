import { assert, describe, it } from "@effect/vitest"
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { command, start } from "./utils/service.ts"

describe("the command health", () => {
  it("exits 0 while the service is healthy, found by its settings or by a target", async () => {
    const service = await start()
    const env = { PORT: new URL(service.url).port, ADMIN_PORT: new URL(service.admin).port }
    const found = await command(["health"], { env })
    assert.match(found.stdout, /^pass reference \d+\.\d+\.[0-9a-f]{6}(\+CHANGES)?\n$/)
    assert.deepStrictEqual([found.code, found.stderr], [0, ""])
    for (const target of [service.url, service.admin]) {
      const { code, stdout } = await command(["health", `--target=${target}`, "--json"])
      assert.strictEqual(code, 0)
      assert.strictEqual((JSON.parse(stdout) as { status: string }).status, "pass")
    }
    service.signal("SIGTERM")
    await service.exit
    const gone = await command(["health"], { env })
    assert.match(gone.stdout, /^fail: http:\/\/127\.0\.0\.1:\d+ gave no answer: .*ECONNREFUSED/)
    assert.strictEqual(gone.code, 1)
  })

  it("exits 1 for a failing service, one that does not answer in time, and what is no service", async () => {
    const server = createServer((request, response) => {
      if (request.url === "/hangs/health") return
      const failing = request.url === "/failing/health"
      response.writeHead(failing ? 503 : 200)
      response.end(
        failing ? `{"status":"fail","releaseId":"1","checks":{"db":[{"status":"fail","output":"gone"}]}}` : "hi"
      )
    }).listen(0, "127.0.0.1")
    await once(server, "listening")
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const failing = await command(["health", "--target", `${url}/failing`])
    assert.deepStrictEqual([failing.code, failing.stdout], [1, "fail 1: db fail (gone)\n"])
    const hanging = await command(["health", "--target", `${url}/hangs`, "--timeout", "50ms"])
    assert.deepStrictEqual([hanging.code, hanging.stdout], [
      1,
      `fail: ${url}/hangs gave no answer: nothing within 50 ms\n`
    ])
    assert.strictEqual((await command(["health", "--target", url])).code, 1)
    server.close()
  })

  it("exits 1, not 2, for a command line that cannot be understood, and has a help", async () => {
    const { code, stderr, stdout } = await command(["health", "--bogus", "--timeout=never"])
    assert.deepStrictEqual([code, stdout, stderr.trim().split("\n").length], [1, "", 2])
    const help = await command(["health", "--help"])
    assert.strictEqual(help.code, 0)
    assert.include(help.stdout, "--timeout")
  })
})

describe("the command loglevel", () => {
  it("shows and changes the level of a running service, whose lines then say who asked", async () => {
    const service = await start()
    const run = (...args: ReadonlyArray<string>) => command(["loglevel", "--target", service.admin, ...args])
    assert.deepStrictEqual([(await run()).stdout, (await run()).code], ["info\n", 0])
    const changed = await run("--level=debug", "--for=1m", "--name=admin/version")
    assert.match(changed.stdout, /^debug for admin\/version until .*; then info\n$/)
    const { by, level } = await service.line(({ message }) => message.startsWith("log level of admin/version is debug"))
    assert.deepStrictEqual([level, by], ["WARN", "127.0.0.1"])
    await fetch(`${service.url}/livez`)
    await fetch(`${service.admin}/version`)
    await service.line(({ message }) => message === "GET /version 200")
    assert.isUndefined(service.lines.find(({ message }) => message === "GET /livez 200"))
    assert.strictEqual((await run("--level=default")).stdout, "info\n")
    const refused = await run("--level=loud", "--for=2d")
    assert.strictEqual(refused.code, 2)
    assert.match(refused.stderr, /level is "loud".*; for is "2d"/)
    assert.strictEqual((await run("--name=x")).code, 2)
    service.signal("SIGTERM")
    await service.exit
    assert.strictEqual((await run()).code, 8)
  })
})
