import { assert, describe, it } from "@effect/vitest"
import { answers, exchange } from "./utils/rawHttp.ts"
import { start } from "./utils/service.ts"

const post = "POST /demo/echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
const old = post.replace("1.1", "1.0")
const json = `{"text":"a"}`
const chunks = `c\r\n${json}\r\n0\r\n\r\n`
/** What an attacker wants to be read as a request of its own. */
const hidden = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
/** What an innocent client sends next over the same connection of a proxy. */
const next = "GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

const chunked = (body: string) => `${post}Transfer-Encoding: chunked\r\n\r\n${body}${hidden}`
const coded = (value: string) => `${post}Transfer-Encoding: ${value}\r\n\r\n${chunks}${hidden}`
const sized = (value: string) => `${post}Content-Length: ${value}\r\n\r\n${json}${hidden}`
const headed = (header: string) => `${post}Content-Length: 12\r\n${header}\r\n\r\n${json}${hidden}`
const get = (line: string, headers = "Host: x\r\n") => `${line}\r\n${headers}\r\n${hidden}`

/** Requests that two readers could read differently: each is answered once, with this status, and no more. */
const refused: ReadonlyArray<readonly [name: string, status: number, bytes: string]> = [
  ["CL.TE", 400, `${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`],
  ["TE.CL", 400, `${post}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n24\r\n${hidden}\r\n0\r\n\r\n`],
  ["CL.TE with a folded TE", 400, headed("Transfer-Encoding:\r\n chunked")],
  ["CL.CL", 400, `${post}Content-Length: 12\r\nContent-Length: 0\r\n\r\n${json}${hidden}`],
  ["the same CL twice", 400, `${post}Content-Length: 12\r\nContent-Length: 12\r\n\r\n${json}${hidden}`],
  ...["12, 12", "+12", "-12", "0xc", "1 2", "", "12.0", "99999999999999999999999"].map((value) =>
    [`CL ${JSON.stringify(value)}`, 400, sized(value)] as const
  ),
  ["a space before the colon of CL", 400, `${post}Content-Length : 12\r\n\r\n${json}${hidden}`],
  ["a space before the colon of TE", 400, `${post}Transfer-Encoding : chunked\r\n\r\n${chunks}${hidden}`],
  ["TE: chunked, identity", 400, coded("chunked, identity")],
  ["TE: chunked, then identity", 400, coded("chunked\r\nTransfer-Encoding: identity")],
  ["TE with a vertical tab", 400, coded("\x0bchunked")],
  ["TE folded", 400, coded("\r\n chunked")],
  ...[
    "xchunked",
    "identity",
    "identity, chunked",
    "identity\r\nTransfer-Encoding: chunked",
    "chunked;q=1",
    "\"chunked\""
  ]
    .map((value) => [`TE ${JSON.stringify(value)}`, 501, coded(value)] as const),
  ["TE in HTTP/1.0", 400, `${old}Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}${hidden}`],
  ["an obsolete fold", 400, headed("X: a\r\n b")],
  ["an obsolete fold that looks like TE", 400, headed("X: a\r\n Transfer-Encoding: chunked")],
  ["a bare LF after a header", 400, `${post}Content-Length: 12\n\r\n${json}${hidden}`],
  ["bare LFs throughout", 400, `GET /version HTTP/1.1\nHost: x\n\n${hidden}`],
  ["a bare CR in a header", 400, headed("X: a\rTransfer-Encoding: chunked")],
  ["a NUL in a header", 400, headed("X: a\0b")],
  ["a space in a header's name", 400, headed("X Y: a")],
  ["a bracket in a header's name", 400, headed("X(: a")],
  ["a header without a colon", 400, headed("Xab")],
  ["a header without a name", 400, headed(": a")],
  ["a space before the first header", 400, get("GET /version HTTP/1.1", " X: a\r\nHost: x\r\n")],
  ["a chunk size in C's hex", 400, chunked(`0xc\r\n${json}\r\n0\r\n\r\n`)],
  ["a negative chunk size", 400, chunked(`-c\r\n${json}\r\n0\r\n\r\n`)],
  ["a space after a chunk size", 400, chunked(`c \r\n${json}\r\n0\r\n\r\n`)],
  ["a chunk size of more than 64 bits", 400, chunked(`1000000000000000c\r\n${json}\r\n0\r\n\r\n`)],
  ["a bare LF after a chunk size", 400, chunked(`c\n${json}\r\n0\r\n\r\n`)],
  ["a bare LF after a chunk extension", 400, chunked(`c;a\n${json}\r\n0\r\n\r\n`)],
  ["a chunk longer than its size", 400, chunked(`b\r\n${json}\r\n0\r\n\r\n`)],
  ["a chunk without its end", 400, chunked(`c\r\n${json}XX0\r\n\r\n`)],
  ["a bare LF after a chunk", 400, chunked(`c\r\n${json}\n0\r\n\r\n`)],
  ["no chunk size", 400, chunked("\r\n")],
  ["a CL among the trailers", 400, chunked(`c\r\n${json}\r\n0\r\nContent-Length: 36\r\n\r\n`)],
  ["a folded trailer", 400, chunked(`c\r\n${json}\r\n0\r\nX: a\r\n b\r\n\r\n`)],
  ["two Hosts", 400, get("GET /version HTTP/1.1", "Host: x\r\nHost: y\r\n")],
  ["the same Host twice", 400, get("GET /version HTTP/1.1", "Host: x\r\nhost: x\r\n")],
  ["two Hosts in HTTP/1.0", 400, get("GET /version HTTP/1.0", "Host: x\r\nHost: y\r\n")],
  ["no Host", 400, get("GET /version HTTP/1.1", "")],
  ["a control character in the path", 400, get("GET /ver\x01sion HTTP/1.1")],
  ["a space in the path", 400, get("GET /a b HTTP/1.1")],
  ["HTTP/0.9", 400, "GET /version\r\n"],
  ["HTTP/1.2", 400, get("GET /version HTTP/1.2")],
  ["HTTP/2.0", 505, get("GET /version HTTP/2.0")],
  ["the preface of HTTP/2", 400, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ["http in lower case", 400, get("GET /version http/1.1")],
  ["an unknown method", 400, get("GETT /version HTTP/1.1")],
  ["an expectation that is not met", 417, `${post}Expect: magic\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`],
  ["a handshake of TLS", 400, "\x16\x03\x01\x02\x00\x01\x00"]
]

/** Requests that can be read in one way: what looks like another within one is its body. */
const taken: ReadonlyArray<readonly [name: string, status: number, bytes: string]> = [
  ["a tab before chunked", 200, `${post}Transfer-Encoding:\tchunked\r\n\r\n${chunks}`],
  ["Chunked with a capital", 200, `${post}Transfer-Encoding: Chunked\r\n\r\n${chunks}`],
  ["a chunk extension", 200, `${post}Transfer-Encoding: chunked\r\n\r\nc;a=b\r\n${json}\r\n0\r\n\r\n`],
  [
    "the body of a GET",
    200,
    `GET /greetings/a HTTP/1.1\r\nHost: x\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`
  ],
  [
    "the chunked body of a GET",
    200,
    `GET /greetings/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${
      hidden.length.toString(16)
    }\r\n${hidden}\r\n0\r\n\r\n`
  ],
  [
    "the body of what is not found",
    404,
    `POST /no HTTP/1.1\r\nHost: x\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`
  ],
  ["an absolute path", 200, "GET http://evil/greetings/a HTTP/1.1\r\nHost: x\r\n\r\n"],
  ["an expectation that is met", 200, `${post}Expect: 100-continue\r\nContent-Length: 12\r\n\r\n${json}`]
]

for (const node of ["node", process.execPath]) {
  describe(`request smuggling, under ${node === "node" ? "the node of the PATH" : "this node"}`, () => {
    it("gets one answer, and no request but what was meant", async () => {
      const service = await start({ node, flags: ["--request-timeout=20s"] })
      for (const [name, status, bytes] of refused) {
        const [answer, ...others] = answers(await exchange(service.url, bytes + next))
        assert.deepStrictEqual([name, answer?.status, others], [name, status, []])
        const body = JSON.parse(answer?.body ?? "") as Record<string, unknown>
        assert.hasAllKeys(body, ["_tag", "message"], name)
        assert.strictEqual(answer?.headers.get("connection"), "close", name)
      }
      for (const [name, status, bytes] of taken) {
        const statuses = answers(await exchange(service.url, bytes + next)).map(({ status }) => status)
        assert.deepStrictEqual([name, statuses], [name, [status, 200]])
      }
      assert.strictEqual(await exchange(service.url, `CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n${hidden}`), "")
      service.signal("SIGTERM")
      assert.strictEqual((await service.exit).code, 0)
      // Read by the parser, dropped before a handler, since its connection was closed: 499.
      const acted = service.lines.filter((line) =>
        line["url.path"] === "/smuggled" && line["http.response.status_code"] !== 499
      )
      assert.deepStrictEqual(acted, [])
      // Nobody waits for a body that will not come.
      assert.isUndefined(service.lines.find(({ message }) => message.includes("listener cut requests")))
    })
  })
}
