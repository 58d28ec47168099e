import { assert, describe, it } from "@effect/vitest"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { freePort } from "./utils/freePort.ts"
import { command, start } from "./utils/service.ts"

describe("wait-ready", () => {
  it("ends well once the service is ready, by flags in either form or by variables", async () => {
    const service = await start()
    const { port } = new URL(service.url)
    for (
      const [args, env] of [
        [[`--port=${port}`], {}],
        [["--port", port, "--host", "127.0.0.1"], {}],
        [["--timeout=10s"], { PORT: port, HOST: "0.0.0.0" }]
      ] as const
    ) {
      assert.deepStrictEqual(await command(["wait-ready", ...args], { env }), { code: 0, stdout: "", stderr: "" })
    }
    service.signal("SIGTERM")
    await service.exit
  })

  it("waits while nothing listens, and while the service is not ready", async () => {
    const port = await freePort()
    const waiting = command(["wait-ready", `--port=${port}`])
    const asked: Array<string | undefined> = []
    const server = createServer(({ url }, response) => {
      asked.push(url)
      response.writeHead(asked.length < 3 ? 503 : 200).end()
    })
    await once(server.listen(port, "127.0.0.1"), "listening")
    assert.deepStrictEqual(await waiting, { code: 0, stdout: "", stderr: "" })
    assert.deepStrictEqual(asked, ["/readyz", "/readyz", "/readyz"])
    server.close()
  })

  it("gives up in time, and says in one line what it was answered", async () => {
    const server = createServer((_, response) => response.writeHead(503).end())
    await once(server.listen(0, "127.0.0.1"), "listening")
    const { port } = server.address() as AddressInfo
    const refused = await command(["wait-ready", `--port=${port}`, "--timeout=500ms"])
    server.close()
    assert.deepStrictEqual(refused, {
      code: 6,
      stdout: "",
      stderr: `not ready within 500ms: http://127.0.0.1:${port}/readyz: HTTP 503\n`
    })
    const nobody = await command(["wait-ready", `--port=${port}`, "--timeout=500ms"])
    assert.deepStrictEqual([nobody.code, nobody.stderr.includes("ECONNREFUSED")], [6, true])
  })

  it("gives up on a listener that answers nothing", async () => {
    const server = createServer(() => {})
    await once(server.listen(0, "127.0.0.1"), "listening")
    const { port } = server.address() as AddressInfo
    const { code, stderr } = await command(["wait-ready", `--port=${port}`, "--timeout=1500ms"])
    server.closeAllConnections()
    server.close()
    assert.deepStrictEqual([code, stderr.includes("no answer")], [6, true], stderr)
  })

  it("ends as soon as the main process does", async () => {
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"])
    const port = await freePort()
    const waiting = command(["wait-ready", `--port=${port}`, "--timeout=10m"], { env: { MAINPID: String(child.pid) } })
    child.kill()
    await once(child, "exit")
    const { code, stderr } = await waiting
    assert.deepStrictEqual([code, stderr.includes(`process ${child.pid}) ended before it was ready`)], [1, true])
  })

  it("refuses what it cannot wait for", async () => {
    for (const [flag, code] of [["--timeout=soon", 2], ["--port=0", 2], ["--port=x", 78], ["--bogus=1", 2]] as const) {
      assert.strictEqual((await command(["wait-ready", flag])).code, code, flag)
    }
  })
})
