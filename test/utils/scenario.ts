import { assert } from "vitest"
import { startOnAws } from "./aws.ts"
import * as FakeCloudWatch from "./FakeCloudWatch.ts"
import { command, type Program } from "./service.ts"

interface Line {
  readonly level: string
  readonly message: string
  readonly seq: number
  readonly [field: string]: unknown
}

const linesOf = (fake: FakeCloudWatch.FakeCloudWatch) =>
  fake.allEvents().map(({ message }) => JSON.parse(message) as Line)

type Service = Awaited<ReturnType<typeof startOnAws>>

const serve = async (
  options: NonNullable<Parameters<typeof startOnAws>[1]>,
  use: (service: Service, fake: FakeCloudWatch.FakeCloudWatch) => Promise<void>
): Promise<void> => {
  const fake = await FakeCloudWatch.start()
  const fatal = () => linesOf(fake).filter(({ level }) => level === "FATAL").map((line) => String(line["cause"]))
  const service = await startOnAws(fake.url, options).catch(async (cause: unknown) => {
    await fake.close()
    throw new Error([String(cause), ...fatal()].join("\n"), { cause })
  })
  try {
    await use(service, fake)
  } catch (cause) {
    throw new Error([String(cause), service.stderr(), ...fatal()].join("\n"), { cause })
  } finally {
    service.signal("SIGKILL")
    await service.exit
    await fake.close()
  }
}

/** All that the reference service does in a life, on AWS: requests, operations, diagnostics, shipping, drain. */
export const live = (program: Program): Promise<void> => {
  const flags = ["--metrics-interval=1s", "--log-level=debug"]
  return serve({ ...program, flags, env: { HEAP_SAMPLING: "on", ...program.env } }, async (service, fake) => {
    const { admin, url } = service
    const ask = async (address: string, status: number, init: RequestInit = {}) => {
      const response = await fetch(address, init)
      const body = Buffer.from(await response.arrayBuffer())
      assert.strictEqual(response.status, status, `${address}: ${body.toString()}`)
      assert.isAbove(body.length, 0, address)
    }
    const askAll = (base: string, ...paths: ReadonlyArray<string>) =>
      Promise.all(paths.map((path) => ask(`${base}/${path}`, 200)))
    const run = async (...args: ReadonlyArray<string>) => {
      const { code, stderr, stdout } = await command(args, { ...program, input: `{"text":"hi"}` })
      assert.strictEqual(code, 0, `${args.join(" ")}: ${stderr}`)
      assert.notStrictEqual(stdout, "", args.join(" "))
    }

    await askAll(url, "greetings/you", "demo/count?to=3&every=10", "openapi.json", "docs")
    await askAll(url, "livez", "readyz", "version", "health")
    await ask(`${url}/greetings/you?language=xx`, 404)
    const post = { method: "POST", headers: { "content-type": "application/json" } }
    await ask(`${url}/demo/echo`, 200, { ...post, body: `{"text":"hi"}` })
    await ask(`${url}/demo/echo`, 400, { ...post, body: "{" })
    await ask(admin, 200, { headers: { accept: "text/html" } })
    await askAll(admin, "health", "metrics", "ledger", "settings", "logs", "loglevel")

    const debug = `${admin}/debug`
    await Promise.all([
      askAll(debug, "pprof/profile?seconds=1", "pprof/heap", "pprof/goroutine", "pprof/threadcreate", "pprof/block"),
      askAll(debug, "pprof/goroutine?debug=2", "fibers", "eventloop?seconds=1", "handles"),
      run("greetings", "greet", "--name=you"),
      run("greetings", "greet", "--name=you", `--target=${url}`)
    ])
    await Promise.all([
      askAll(debug, "trace?seconds=1", "pprof/allocs?seconds=1"),
      run("profile", `--target=${admin}`, "--kind=goroutine", "--flame=text"),
      run("demo", "echo", "--input=-")
    ])
    const target = `--target=${admin}`
    await Promise.all([run("settings"), run("--help"), run("-v"), run("init", "--print")])
    await Promise.all([
      run("template"),
      run("user-data", "--bucket=artefacts", "--key=orders/main.js", `--sha256=${"0".repeat(64)}`)
    ])
    await Promise.all([run("health", target), run("logs", target), run("top", target, "--once")])
    await run("loglevel", target, "--level=debug", "--for=1m")
    await run("debug", "arm", "--for=1m", "--reason=proof", target)
    await ask(`${debug}/heapsnapshot`, 200)

    const slow = ask(`${url}/demo/slow?milliseconds=300`, 200)
    await ask(`${url}/readyz`, 200)
    service.signal("SIGTERM")
    await slow
    assert.strictEqual(await service.exit, 0)
    const lines = linesOf(fake)
    assert.deepStrictEqual(lines.map(({ seq }) => seq), lines.map((_, index) => index + 1))
    assert.isDefined(lines.find(({ message }) => message === "GET /demo/slow 200"))
    assert.isAbove(fake.datums.length, 0)
  })
}

/** A service that breaks by an exception that nobody catches: the last line is delivered. */
export const crash = (program: Program): Promise<void> =>
  serve(program, async (service, fake) => {
    await service.get(`${service.url}/throw`)
    assert.strictEqual(await service.exit, 1)
    assert.include(String(linesOf(fake).find(({ level }) => level === "FATAL")?.["cause"]), "nobody")
  })
