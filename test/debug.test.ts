import { assert, describe, it } from "@effect/vitest"
import { once } from "node:events"
import { get, type IncomingMessage } from "node:http"
import { command, type Service, start } from "./utils/service.ts"

const opened = (service: Service, path = "/debug/heapsnapshot") =>
  new Promise<IncomingMessage>((resolve, reject) => {
    get(`${service.admin}${path}`, { agent: false }, resolve).on("error", reject)
  })

const read = async (response: IncomingMessage): Promise<string> => {
  const chunks: Array<Buffer> = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

const asked = async (service: Service, path?: string) => {
  const response = await opened(service, path)
  return { status: response.statusCode, body: await read(response) }
}

const debug = (service: Service, ...args: ReadonlyArray<string>) =>
  command(["debug", ...args, "--target", service.admin])

const page = async (service: Service) => (await fetch(service.admin, { headers: { accept: "text/html" } })).text()

describe("debug arm", () => {
  it("lets heap snapshots be taken until disarmed, and tells the log, the page, the document and the metrics", async () => {
    const service = await start()
    const unknown = await asked(service, "/debug/nothing")
    const hidden = await asked(service)
    assert.strictEqual(hidden.status, 404)
    assert.strictEqual(hidden.body.replace("heapsnapshot", "nothing"), unknown.body)
    assert.notInclude(await page(service), "Armed until")

    const armed = await debug(service, "arm", "--for", "5m", "--reason", "<b>leak</b>")
    assert.deepStrictEqual([armed.code, armed.stderr], [0, ""])
    assert.match(armed.stdout, /^armed until \d{4}-.*Z; http.*\/debug\/heapsnapshot is there until then\n$/)
    const line = await service.line(({ message }) => message === "debugging is armed for 5m: <b>leak</b>")
    assert.deepStrictEqual([line.level, line["reason"], line["peer"]], ["WARN", "<b>leak</b>", "127.0.0.1"])
    assert.include(await page(service), "Armed until")
    assert.notInclude(await page(service), "<b>leak")
    const document = await (await fetch(`${service.admin}/health`)).json() as { armed: Record<string, string> }
    assert.deepStrictEqual(document.armed, { until: String(line["until"]), reason: "<b>leak</b>" })
    const gauge = async () =>
      /^keelson_debug_armed (\d)$/m.exec(await (await fetch(`${service.admin}/metrics`)).text())?.[1]
    assert.strictEqual(await gauge(), "1")

    const response = await opened(service)
    assert.strictEqual(response.statusCode, 200)
    assert.include(String(response.headers["content-disposition"]), ".heapsnapshot")
    const snapshot = JSON.parse(await read(response)) as { nodes: Array<number> }
    assert.isAbove(snapshot.nodes.length, 10_000)

    const disarmed = await debug(service, "disarm")
    assert.deepStrictEqual([disarmed.code, disarmed.stdout], [0, "disarmed\n"])
    await service.line(({ message }) => message === "debugging is disarmed: it was asked for")
    assert.strictEqual((await asked(service)).body, hidden.body)
    assert.strictEqual(await gauge(), "0")
    assert.notProperty(await (await fetch(`${service.admin}/health`)).json(), "armed")
    service.signal("SIGTERM")
    assert.strictEqual((await service.exit).code, 0)
  })

  it("takes one snapshot at a time, as fast as its client reads, and lets go of it when the client leaves", async () => {
    const service = await start()
    await debug(service, "arm", "--reason", "test")
    const first = await opened(service)
    assert.strictEqual(first.statusCode, 200)
    const second = await asked(service)
    assert.deepStrictEqual([second.status, (JSON.parse(second.body) as { _tag: string })._tag], [409, "CaptureRefused"])
    // Its client reads nothing: it is still under way, and everybody else is answered.
    assert.strictEqual((await asked(service)).status, 409)
    assert.strictEqual((await asked(service, "/version")).status, 200)
    first.destroy()
    await once(first, "close")
    let again: IncomingMessage
    do again = await opened(service)
    while (again.statusCode === 409 && again.resume() !== undefined)
    assert.strictEqual(again.statusCode, 200)
    assert.property(JSON.parse(await read(again)), "snapshot")
    service.signal("SIGTERM")
    assert.strictEqual((await service.exit).code, 0)
  })

  it("says what it does not take, and where nobody answers", async () => {
    const service = await start()
    const long = await debug(service, "arm", "--for", "61m", "--reason", "x")
    assert.deepStrictEqual([long.code, long.stdout], [2, ""])
    assert.include(long.stderr, "answered 400: for takes more than 0 and at most 1h")
    const odd = await debug(service, "arm", "--for", "soon", "--reason", "x")
    assert.include(odd.stderr, "for takes a duration such as")
    assert.strictEqual((await debug(service, "arm")).code, 2)
    const nobody = await command(["debug", "disarm", "--target", "http://127.0.0.1:1"])
    assert.deepStrictEqual([nobody.code, nobody.stdout], [8, ""])
    assert.include(nobody.stderr, "gave no answer")
    const service404 = await command(["debug", "arm", "--reason", "x", "--target", service.url])
    assert.strictEqual(service404.code, 3)
    service.signal("SIGTERM")
    assert.strictEqual((await service.exit).code, 0)
  })
})
