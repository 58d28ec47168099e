import { assert, describe, it } from "@effect/vitest"
import { once } from "node:events"
import { type AddressInfo, createServer } from "node:net"
import { startOnAws, until } from "./utils/aws.ts"
import * as FakeCloudWatch from "./utils/FakeCloudWatch.ts"
import { command } from "./utils/service.ts"

const seeds = Number(process.env["SIGTERM_SEEDS"] ?? 6)
const firstSeed = Number(process.env["SEED"] ?? Date.now() % 1_000_000)

interface Line {
  readonly message: string
  readonly level: string
  readonly boot: string
  readonly seq: number
  readonly [field: string]: unknown
}

const linesOf = (fake: FakeCloudWatch.FakeCloudWatch) =>
  fake.allEvents().map(({ message }) => JSON.parse(message) as Line)

const distinct = (lines: ReadonlyArray<Line>) => [...new Set(lines.map(({ seq }) => seq))].sort((a, b) => a - b)

describe("on AWS", () => {
  it("ships logs and metrics, writes nothing to standard output, and drains on SIGTERM", async () => {
    const fake = await FakeCloudWatch.start()
    const service = await startOnAws(fake.url)
    await service.get(`${service.url}/greetings/you`)
    service.signal("SIGTERM")
    assert.strictEqual(await service.exit, 0)
    const messages = linesOf(fake).map(({ message }) => message)
    for (const part of ["is ready", "GET /greetings/:name 200", "draining"]) {
      assert.isDefined(messages.find((message) => message.includes(part)), part)
    }
    const [{ group = "", stream = "" } = {}] = fake.streams()
    assert.strictEqual(group, "/reference")
    assert.match(stream, /^reference\/.+\/\d{4}-\d\d-\d\dT[\d.]+Z-[0-9a-f]{24}$/)
    const names = new Set(fake.datums.map(({ name }) => name))
    assert.isTrue(names.has("http_server_requests_total") && names.has("process_resident_memory_bytes"))
    assert.isTrue(
      fake.datums.every(({ dimensions, namespace }) =>
        namespace === "reference" && dimensions["service"] === "reference" && dimensions["instance"] === undefined
      )
    )
    assert.strictEqual(service.stdout(), "")
    assert.deepStrictEqual(fake.violations, [])
    await fake.close()
  })

  it("starts while CloudWatch cannot be reached, warns, and delivers everything when it can", async () => {
    const fake = await FakeCloudWatch.start()
    fake.outage = true
    const service = await startOnAws(fake.url, { flags: ["--metrics-interval=1s"] })
    const health = async () =>
      JSON.parse(await service.get(`${service.admin}/health`) ?? "{}") as {
        status: string
        ledger: ReadonlyArray<{ name: string; offered: number; delivered: number; failure?: string }>
      }
    await until(async () => (await health()).status === "warn")
    assert.strictEqual(await service.get(`${service.url}/readyz`), "ready\n")
    assert.include(service.stderr(), "logs cannot be delivered for now")
    fake.outage = false
    await until(async () => {
      const { ledger, status } = await health()
      return status === "pass" && ledger.every(({ delivered, offered }) => delivered === offered && offered > 0)
    })
    service.signal("SIGTERM")
    assert.strictEqual(await service.exit, 0)
    const seqs = distinct(linesOf(fake))
    assert.deepStrictEqual(seqs, seqs.map((_, index) => index + 1))
    await fake.close()
  })

  it("ends at the deadline when nothing answers, and says exactly how much is lost", async () => {
    const fake = await FakeCloudWatch.start({ fault: () => "hang" })
    const service = await startOnAws(fake.url, { flags: ["--flush-deadline=500ms"] })
    await service.get(`${service.url}/greetings/you`)
    const { accounts } = JSON.parse(await service.get(`${service.admin}/ledger`) ?? "{}") as {
      accounts: ReadonlyArray<{ name: string; offered: number }>
    }
    service.signal("SIGTERM")
    assert.strictEqual(await service.exit, 0)
    const offered = accounts.find(({ name }) => name === "logs")?.offered ?? 0
    const report = service.stderr().split("\n").find((line) => line.includes("logs were not delivered")) ?? "{}"
    // The line that says "draining" came after the ledger was read.
    assert.strictEqual((JSON.parse(report) as Line).message, `${offered + 1} logs were not delivered`)
    assert.strictEqual(
      (JSON.parse(report) as Line)["ledger"],
      `logs: ${offered + 1} offered, ${offered + 1} dropped (deadline)`
    )
    assert.strictEqual(fake.allEvents().length, 0)
    await fake.close()
  })

  it("goes on, and ends well, when nobody reads what it says on standard error", async () => {
    const fake = await FakeCloudWatch.start()
    fake.outage = true
    const service = await startOnAws(fake.url, { flags: ["--flush-deadline=100ms"] })
    service.process.stderr.destroy()
    await until(async () => (await service.get(`${service.admin}/health`))?.includes(`"failure"`))
    service.signal("SIGTERM")
    assert.strictEqual(await service.exit, 0)
    await fake.close()
  })

  it("says why it did not start on standard error when nothing answers", async () => {
    const fake = await FakeCloudWatch.start({ fault: () => "hang" })
    const busy = createServer().listen(0)
    await once(busy, "listening")
    const { port } = busy.address() as AddressInfo
    const args = ["serve", "--environment=ec2", "--flush-deadline=100ms", `--port=${port}`, "--admin-port=0"]
    const { code, stderr } = await command(args, {
      env: {
        AWS_ENDPOINT_URL: fake.url,
        AWS_REGION: "eu-west-1",
        AWS_ACCESS_KEY_ID: "test",
        AWS_SECRET_ACCESS_KEY: "test"
      }
    })
    assert.strictEqual(code, 1)
    assert.include(stderr, `"level":"FATAL","message":"ListenError: `)
    busy.close()
    await fake.close()
  })

  for (const crash of ["throw", "reject"]) {
    it(`delivers what led to a crash by ${crash}, then exits 1`, async () => {
      const fake = await FakeCloudWatch.start()
      const service = await startOnAws(fake.url, {
        file: new URL("fixtures/crashing.ts", import.meta.url).pathname
      })
      await service.get(`${service.url}/${crash}`)
      assert.strictEqual(await service.exit, 1)
      const lines = linesOf(fake)
      const fatal = lines.find(({ level }) => level === "FATAL")
      assert.include(String(fatal?.["cause"]), "nobody")
      assert.deepStrictEqual(distinct(lines), lines.map((_, index) => index + 1))
      await fake.close()
    })
  }
})

describe(`SIGTERM at any instant (seeds ${firstSeed} to ${firstSeed + seeds - 1})`, () => {
  it("loses no line of any request that was answered", async () => {
    const fakes = await Promise.all([FakeCloudWatch.start(), FakeCloudWatch.start()])
    const one = async (seed: number, fake: FakeCloudWatch.FakeCloudWatch) => {
      const known = new Set(fake.streams().map(({ stream }) => stream))
      const service = await startOnAws(fake.url)
      const instant = (seed * 7919) % 1500
      let answered = 0
      let ended = false
      const ask = async () => {
        while (!ended) if (await service.get(`${service.url}/greetings/you`) !== undefined) answered++
      }
      const asking = [ask(), ask()]
      const timer = setTimeout(() => service.signal("SIGTERM"), instant)
      const code = await service.exit
      clearTimeout(timer)
      ended = true
      await Promise.all(asking)
      assert.strictEqual(code, 0, `seed ${seed}: ${service.stderr()}`)
      const [{ group = "", stream = "" } = {}] = fake.streams().filter(({ stream }) => !known.has(stream))
      const lines = fake.events(group, stream).map(({ message }) => JSON.parse(message) as Line)
      const seqs = distinct(lines)
      assert.deepStrictEqual(seqs, seqs.map((_, index) => index + 1), `seed ${seed}: a gap`)
      const logged = lines.filter(({ message }) => message === "GET /greetings/:name 200").length
      assert.isAtLeast(logged, answered, `seed ${seed}`)
      assert.deepStrictEqual(fake.violations, [])
    }
    await Promise.all(fakes.map(async (fake, lane) => {
      for (let seed = firstSeed + lane; seed < firstSeed + seeds; seed += fakes.length) await one(seed, fake)
      await fake.close()
    }))
  }, 600_000)
})
