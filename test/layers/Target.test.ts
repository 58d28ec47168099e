import { assert, describe, it } from "@effect/vitest"
import { once } from "node:events"
import { createServer, type RequestListener } from "node:http"
import type { AddressInfo } from "node:net"
import { command } from "../utils/service.ts"

const commands = [
  ["logs"],
  ["logs", "--follow"],
  ["loglevel"],
  ["loglevel", "--level=debug"],
  ["debug", "arm", "--reason=leak"],
  ["debug", "disarm"],
  ["profile"]
]

const against = async (answer: RequestListener, args: ReadonlyArray<string>) => {
  const server = createServer(answer)
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  const done = await command([...args, `--target=http://127.0.0.1:${port}`])
  server.close()
  server.closeAllConnections()
  return done
}

describe("a target of the admin commands", () => {
  for (const args of commands) {
    it(`that is something else fails ${args.join(" ")}`, async () => {
      for (const body of ["<html>", "{}", "{\"armed\":{}}", ""]) {
        const { code, stderr, stdout } = await against((_, response) => void response.end(body), args)
        assert.deepStrictEqual([code, stdout], [3, ""], body)
        assert.match(stderr, /^http:\S+ answered 200: nothing that is known; is this the admin listener\?\n$/)
      }
    })

    it(`that redirects is not followed by ${args.join(" ")}`, async () => {
      const asked: Array<string> = []
      const { code, stderr, stdout } = await against(({ method, url }, response) => {
        asked.push(`${method} ${url}`)
        response.writeHead(302, { location: "/elsewhere" }).end("moved")
      }, args)
      assert.deepStrictEqual([code, stdout, asked.length], [1, "", 1], asked.join())
      assert.match(stderr, /^http:\S+ answered 302: \/elsewhere\n$/)
    })

    it(`that is no URL is told by ${args.join(" ")}`, async () => {
      for (const target of ["foo", "", "localhost:8080", "http://here?x", "http://a:secret@here"]) {
        const { code, stderr } = await command([...args, `--target=${target}`])
        assert.deepStrictEqual([code, stderr], [
          2,
          `--target: expected the URL of an admin listener, got ${JSON.stringify(target.replace("a:secret", "…"))}\n`
        ])
      }
    })
  }

  it("that redirects is not followed by top", async () => {
    const asked: Array<string> = []
    const { code, stderr } = await against(({ url }, response) => {
      asked.push(String(url))
      response.writeHead(302, { location: "/elsewhere" }).end()
    }, ["top", "--once"])
    assert.strictEqual(code, 8)
    assert.match(stderr, /answered 302/)
    assert.notInclude(asked, "/elsewhere")
  })
})
