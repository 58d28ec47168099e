import { assert, describe, it } from "@effect/vitest"
import { once } from "node:events"
import { Agent, get, request } from "node:http"
import { connect, type Socket } from "node:net"
import { answers, exchange } from "./utils/rawHttp.ts"
import { bundle, type Service, start } from "./utils/service.ts"

const echo = "POST /demo/echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
const mebibyte = 2 ** 20

const end = async (service: Service) => {
  service.signal("SIGTERM")
  assert.strictEqual((await service.exit).code, 0)
  assert.isUndefined(service.lines.find(({ message }) => message.includes("listener cut requests")))
}

/** The sum of the series that have all these attributes. */
const metric = async (
  { admin }: Service,
  name: string,
  attributes: Readonly<Record<string, string>> = {}
): Promise<number> => {
  const text = await (await fetch(`${admin}/metrics`)).text()
  const wanted = Object.entries(attributes).map(([key, value]) => `${key}="${value}"`)
  const lines = text.split("\n").filter((line) =>
    line.startsWith(name) && !/^\w/.test(line.slice(name.length)) &&
    wanted.every((attribute) => line.includes(attribute))
  )
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0)
}

const requests = "http_server_requests_total"
const active = (service: Service) => metric(service, "http_server_active_requests", { operation: "demo.slow" })

const until = async (condition: () => Promise<boolean>): Promise<void> => {
  while (!await condition()) await new Promise((resolve) => setTimeout(resolve, 10))
}

const asked = (url: string, agent?: Agent) =>
  new Promise<{ status: number | undefined; headers: Record<string, unknown>; body: string }>((resolve, reject) => {
    get(url, agent === undefined ? {} : { agent }, (response) => {
      let body = ""
      response.on("data", (data) => body += String(data))
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, body }))
    }).on("error", reject)
  })

const tagOf = (body: string | undefined) => (JSON.parse(body ?? "") as { _tag: string })._tag

/** Opens a connection and resolves, once the server closed it, with what it said. */
const dripping = (url: string, head: string, drop: string | undefined) => {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  if (head !== "") socket.write(head)
  const timer = setInterval(() => drop !== undefined && socket.write(drop), 20)
  let text = ""
  socket.on("data", (data) => text += String(data))
  socket.on("error", () => {})
  return once(socket, "close").then(() => {
    clearInterval(timer)
    return text
  })
}

describe("a body", () => {
  it("above the limit is answered 413 without being read, whether its length is known or not", async () => {
    const service = await start({ flags: ["--max-body=64KiB"] })
    const text = JSON.stringify({ text: "a".repeat(64 * 1024 - 11) })
    assert.strictEqual(text.length, 64 * 1024)
    const fits = await fetch(`${service.url}/demo/echo`, {
      method: "POST",
      body: text,
      headers: { "content-type": "application/json" }
    })
    assert.deepStrictEqual([fits.status, (await fits.text()).length], [200, 64 * 1024])
    const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`
    const chunked = `${echo}Transfer-Encoding: chunked\r\n\r\n`
    const [exactly] = answers(
      await exchange(service.url, `${chunked}${chunk(text)}0\r\n\r\nGET /livez HTTP/1.0\r\n\r\n`)
    )
    assert.strictEqual(exactly?.status, 200)
    const above = [
      `${echo}Content-Length: 65537\r\n\r\n`,
      `${echo}Expect: 100-continue\r\nContent-Length: 1000000000\r\n\r\n`,
      `${chunked}${chunk(text)}${chunk("a")}`,
      `${chunked}${chunk(text.slice(1))}${chunk("ab")}0\r\n\r\n`
    ]
    for (const bytes of above) {
      const said = await exchange(service.url, bytes)
      assert.notInclude(said, "100 Continue")
      const [answer, ...others] = answers(said)
      assert.deepStrictEqual([answer?.status, tagOf(answer?.body), others], [413, "BodyTooLarge", []])
      assert.strictEqual(answer?.headers.get("connection"), "close")
    }
    assert.strictEqual(
      await metric(service, requests, { operation: "refused", http_response_status_code: "413" }),
      2
    )
    assert.strictEqual(
      await metric(service, requests, { operation: "demo.echo", http_response_status_code: "413" }),
      2
    )
    await end(service)
    assert.strictEqual(service.lines.filter((line) => line["http.response.status_code"] === 413).length, 4)
  })

  it("of a gigabyte is cut off while it comes, and memory stays as it was", async () => {
    const service = await start()
    const memory = () => metric(service, "process_resident_memory_bytes")
    const block = Buffer.alloc(mebibyte, "a")
    const before = await memory()
    let most = 0
    for (let time = 0; time < 5; time++) {
      let sent = 0
      const upload = request(`${service.url}/demo/echo`, {
        method: "POST",
        headers: { "content-type": "application/json" }
      })
      upload.on("error", () => {})
      const answered = new Promise<number | undefined>((resolve) => {
        upload.on("response", (response) => {
          resolve(response.statusCode)
          response.resume()
        })
      })
      let going = true
      upload.on("close", () => going = false)
      while (going && sent < 1024) {
        sent++
        if (!upload.write(block)) await Promise.race([once(upload, "drain"), once(upload, "close")]).catch(() => {})
        most = Math.max(most, await memory())
      }
      assert.strictEqual(await answered, 413)
      assert.isBelow(sent, 100)
      upload.destroy()
    }
    assert.isBelow((most - before) / mebibyte, 64)
    await end(service)
  })

  it("that drips is answered 408, and so are headers that do", async () => {
    const service = await start({ flags: ["--request-timeout=500ms"] })
    const said = await Promise.all([
      dripping(service.url, `${echo}Content-Length: 1000\r\n\r\n`, "a"),
      dripping(service.url, `${echo}Transfer-Encoding: chunked\r\n\r\n`, "1\r\na\r\n"),
      dripping(service.url, "GET /version HTTP/1.1\r\nHost: x\r\n", "X: a\r\n"),
      dripping(service.url, "GET /vers", undefined)
    ])
    for (const text of said) {
      const [answer, ...others] = answers(text)
      assert.deepStrictEqual([answer?.status, tagOf(answer?.body), others], [408, "RequestTimeout", []])
    }
    assert.strictEqual(await dripping(service.url, "", undefined), "")
    assert.strictEqual((await asked(`${service.url}/demo/slow?milliseconds=1500`)).status, 200)
    await end(service)
    const statuses = service.lines.map((line) => [line["operation"], line["http.response.status_code"]].join(" "))
    assert.strictEqual(statuses.filter((line) => line === "demo.echo 408").length, 2)
    assert.strictEqual(statuses.filter((line) => line === "refused 408").length, 2)
  })
})

describe("headers", () => {
  it("that are 10,000, or one of 17 KiB, are answered 431", async () => {
    const service = await start()
    const many = Array.from({ length: 10_000 }, (_, index) => `X-${index}: a\r\n`).join("")
    for (const headers of [many, `X: ${"a".repeat(17 * 1024)}\r\n`]) {
      const [answer, ...others] = answers(
        await exchange(service.url, `GET /version HTTP/1.1\r\nHost: x\r\n${headers}\r\n`)
      )
      assert.deepStrictEqual([answer?.status, tagOf(answer?.body), others], [431, "HeadersTooLarge", []])
    }
    // As many as fit are all there: none is left out without a word.
    const fits = Array.from({ length: 2500 }, () => "a:\r\n").join("")
    const line = "GET /greetings/a HTTP/1.1"
    const bytes = `${line}\r\n${fits}Connection: close\r\nHost: x\r\n\r\n`
    assert.deepStrictEqual(answers(await exchange(service.url, bytes)).map(({ status }) => status), [200])
    assert.strictEqual(
      await metric(service, requests, { operation: "refused", http_response_status_code: "431" }),
      2
    )
    await end(service)
    assert.strictEqual(service.lines.filter(({ message }) => message === "- * 431").length, 2)
  })
})

describe("a service that is full", () => {
  it("answers its probes and the admin listener while 1,000 slow requests are under way, and others 503", async () => {
    const service = await start()
    const agent = new Agent({ maxSockets: 1000 })
    const slow = Array.from({ length: 1000 }, () => {
      const request = get(`${service.url}/demo/slow?milliseconds=60000`, { agent })
      request.on("error", () => {})
      return request
    })
    await until(async () => await active(service) === 1000)
    for (let time = 0; time < 3; time++) {
      const full = await asked(`${service.url}/greetings/a`)
      assert.deepStrictEqual([full.status, tagOf(full.body), full.headers["retry-after"]], [503, "Overloaded", "1"])
    }
    for (const path of ["/livez", "/livez?verbose", "/readyz", "/version", "/health"]) {
      assert.strictEqual((await asked(`${service.url}${path}`)).status, 200, path)
    }
    for (const path of ["/", "/health", "/metrics", "/debug/handles"]) {
      assert.strictEqual((await asked(`${service.admin}${path}`)).status, 200, path)
    }
    assert.strictEqual(
      await metric(service, requests, { operation: "refused", http_response_status_code: "503" }),
      3
    )
    for (const request of slow.slice(0, 2)) request.destroy()
    await until(async () => await active(service) === 998)
    assert.strictEqual((await asked(`${service.url}/greetings/a`)).status, 200)
    for (const request of slow) request.destroy()
    await until(async () => await active(service) === 0)
    await end(service)
  })

  it("does not drop who asks again over the same connection", async () => {
    const service = await start({ flags: ["--max-in-flight=1"] })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const slow = get(`${service.url}/demo/slow?milliseconds=60000`)
    slow.on("error", () => {})
    await until(async () => await active(service) === 1)
    const first = await asked(`${service.url}/greetings/a`, agent)
    assert.deepStrictEqual([first.status, first.headers["connection"]], [503, "keep-alive"])
    slow.destroy()
    await until(async () => (await asked(`${service.url}/greetings/a`, agent)).status === 200)
    agent.destroy()
    await end(service)
  })
})

describe("a connection", () => {
  const open = async (service: Service): Promise<Socket> => {
    const { hostname, port } = new URL(service.url)
    const socket = connect(Number(port), hostname)
    socket.on("error", () => {})
    await once(socket, "connect")
    return socket
  }

  it("has one request under way, and answers those that wait in turn", async () => {
    const service = await start()
    const socket = await open(service)
    let text = ""
    socket.on("data", (data) => text += String(data))
    const names = Array.from({ length: 50 }, (_, index) => `n${index}`)
    socket.write(names.map((name) => `GET /greetings/${name} HTTP/1.1\r\nHost: x\r\n\r\n`).join(""))
    await until(async () => text.split("Hello").length === 51)
    assert.deepStrictEqual(
      answers(text).map(({ body }) => body),
      names.map((name) => `{"message":"Hello, ${name}!"}`)
    )
    text = ""
    const slow = "GET /demo/slow?milliseconds=60000 HTTP/1.1\r\nHost: x\r\n\r\n"
    socket.write(slow.repeat(50))
    await until(async () => await active(service) > 0)
    assert.strictEqual(await active(service), 1)
    socket.destroy()
    await until(async () => await active(service) === 0)
    await end(service)
  })

  it("is cut when more than 100 wait", async () => {
    const service = await start()
    const socket = await open(service)
    socket.resume()
    socket.write("GET /demo/slow?milliseconds=60000 HTTP/1.1\r\nHost: x\r\n\r\n".repeat(102))
    await once(socket, "close")
    await until(async () => await active(service) === 0)
    assert.strictEqual((await asked(`${service.url}/greetings/a`)).status, 200)
    await end(service)
  })

  it("gives a whole request its answer though no HTTP follows it", async () => {
    const service = await start()
    const bytes = "GET /demo/slow?milliseconds=100 HTTP/1.1\r\nHost: x\r\n\r\nno HTTP at all\r\n\r\n"
    const [answer, ...others] = answers(await exchange(service.url, bytes))
    assert.deepStrictEqual([answer?.status, others], [200, []])
    await end(service)
  })
})

describe.runIf(process.platform === "linux")("connections", () => {
  it("leave descriptors for the admin listener, however many come", async () => {
    const descriptors = 200
    const service = await start({
      program: ["bash", "-c", `ulimit -n ${descriptors}; exec "$0" "$@"`, process.execPath, bundle]
    })
    const { hostname, port } = new URL(service.url)
    const answered = await Promise.all(
      Array.from({ length: descriptors }, () =>
        new Promise<Socket | undefined>((resolve) => {
          const socket = connect(Number(port), hostname, () => socket.write("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"))
          socket.once("data", () => resolve(socket))
          socket.once("error", () => {}).once("close", () => resolve(undefined))
        }))
    )
    const kept = answered.filter((socket) => socket !== undefined)
    assert.strictEqual(kept.length, descriptors * 3 / 4)
    assert.strictEqual(await metric(service, "keelson_connections_dropped_total"), descriptors / 4)
    for (const socket of kept) socket.destroy()
    await until(() => fetch(`${service.url}/livez`).then(({ ok }) => ok, () => false))
    await end(service)
  })
})
