import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Duration, Effect, Fiber, Layer, Ref, Schema } from "effect"
import { HttpApi, HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { TestClock } from "effect/testing"
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { Resolver } from "node:dns/promises"
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { configProvider } from "../../src/layers/DeclaredSettings.ts"
import * as HealthLayer from "../../src/layers/Health.ts"
import * as LocatorLayer from "../../src/layers/Locator.ts"
import * as Environment from "../../src/services/Environment.ts"
import { layerMemory, Locator, type LocatorError } from "../../src/services/Locator.ts"
import { freePort } from "../utils/aws.ts"

const locate = (service: string) => Effect.flatMap(Locator, ({ locate }) => locate(service))

const provide = (services: Parameters<typeof LocatorLayer.layer>[0]) =>
  Effect.provide(LocatorLayer.layer(services).pipe(Layer.provide(Environment.layerMemory)))

/** A source that answers what the reference holds. */
const controlled = (
  urls: Ref.Ref<ReadonlyArray<string>>,
  ttl: number,
  asked: Ref.Ref<number>
): LocatorLayer.Source => ({
  name: "the test",
  look: Effect.gen(function*() {
    yield* Ref.update(asked, (n) => n + 1)
    const found = yield* Ref.get(urls)
    return found.length === 0 ? yield* Effect.fail("silence") : { urls: found, ttl: Duration.seconds(ttl) }
  })
})

describe("a locator", () => {
  it.effect("believes an answer for its time to live, in turns, and the last one when nobody answers any more", () =>
    Effect.gen(function*() {
      const urls = yield* Ref.make<ReadonlyArray<string>>(["http://a", "http://b"])
      const asked = yield* Ref.make(0)
      yield* Effect.gen(function*() {
        const seen = yield* Effect.all(Array.from({ length: 4 }, () => locate("stock")), { concurrency: "unbounded" })
        assert.deepStrictEqual(seen.sort(), ["http://a", "http://a", "http://b", "http://b"])
        assert.strictEqual(yield* Ref.get(asked), 1)
        yield* Ref.set(urls, [])
        yield* TestClock.adjust("9 seconds")
        yield* locate("stock")
        assert.strictEqual(yield* Ref.get(asked), 1)
        yield* TestClock.adjust("1 second")
        assert.include(["http://a", "http://b"], yield* locate("stock"))
        yield* locate("stock")
        assert.strictEqual(yield* Ref.get(asked), 2, "not for every request of a service that is silent")
        yield* Ref.set(urls, ["http://c"])
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual(yield* locate("stock"), "http://c")
      }).pipe(provide({ stock: [controlled(urls, 10, asked)] }))
    }))

  it.effect("holds nobody up who has a last answer, and does not ask for each who has none", () =>
    Effect.gen(function*() {
      let asked = 0
      let answer: LocatorLayer.Source["look"] = Effect.succeed({ urls: ["http://a"], ttl: Duration.seconds(1) })
      const source = { name: "the test", look: Effect.suspend(() => (asked++, answer)) }
      yield* Effect.gen(function*() {
        yield* locate("stock")
        answer = Effect.andThen(Effect.sleep("7 seconds"), Effect.fail("silence"))
        yield* TestClock.adjust("2 seconds")
        const first = yield* Effect.forkChild(locate("stock"))
        yield* TestClock.adjust(0)
        const others = yield* Effect.all(Array.from({ length: 9 }, () => locate("stock")), { concurrency: "unbounded" })
        assert.deepStrictEqual([new Set(others), asked], [new Set(["http://a"]), 2])
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* Fiber.join(first), "http://a")
        yield* TestClock.adjust("6 seconds")
        yield* locate("stock")
        assert.strictEqual(asked, 2, "five seconds from when the silence was found")
      }).pipe(provide({ stock: [source] }))

      asked = 0
      answer = Effect.andThen(Effect.sleep("1 second"), Effect.fail("silence"))
      yield* Effect.gen(function*() {
        const all = yield* Effect.forkChild(
          Effect.all(Array.from({ length: 3 }, () => Effect.result(locate("stock"))), { concurrency: "unbounded" })
        )
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual((yield* Fiber.join(all)).map(({ _tag }) => _tag), ["Failure", "Failure", "Failure"])
        assert.strictEqual(asked, 1)
      }).pipe(provide({ stock: [source] }))
    }))

  it.effect("takes the first source that answers", () =>
    Effect.gen(function*() {
      const services = { stock: [LocatorLayer.setting("StockUrl"), LocatorLayer.address("http://coded")] }
      assert.strictEqual(yield* locate("stock").pipe(provide(services)), "http://coded")
      const provider = configProvider({ flags: {}, env: { STOCK_URL: "http://set" } })
      assert.strictEqual(
        yield* locate("stock").pipe(
          provide(services),
          Effect.provideService(ConfigProvider.ConfigProvider, provider)
        ),
        "http://set"
      )
    }))

  it.live("watches a service at the path that a client would ask, whatever its address ends with", () =>
    Effect.gen(function*() {
      let ask: (url: string) => void = () => {}
      const asked = new Promise<string>((resolve) => {
        ask = resolve
      })
      const server = createServer(({ url = "" }, response) => {
        ask(url)
        response.end()
      })
      yield* Effect.promise(() => once(server.listen(0, "127.0.0.1"), "listening"))
      yield* Effect.addFinalizer(() => Effect.sync(() => server.close()))
      const { port } = server.address() as AddressInfo
      const locator = layerMemory({ stock: `http://127.0.0.1:${port}/` })
      yield* Layer.build(LocatorLayer.check("stock").pipe(Layer.provide(Layer.merge(locator, HealthLayer.layer))))
      assert.strictEqual(yield* Effect.promise(() => asked), "/readyz")
    }).pipe(Effect.scoped))

  it.effect("says what it tried", () =>
    Effect.gen(function*() {
      const error: LocatorError = yield* Effect.flip(
        locate("stock").pipe(provide({ stock: [LocatorLayer.setting("StockUrl"), LocatorLayer.setting("Other")] }))
      )
      assert.strictEqual(
        error.message,
        "nobody knows where stock is. the setting StockUrl: it is not set; the setting Other: it is not set"
      )
      assert.include((yield* Effect.flip(locate("unknown").pipe(provide({})))).message, "Locator.layer")
    }))

  it.live("makes a typed client that finds the service for each request", () =>
    Effect.gen(function*() {
      const Api = HttpApi.make("api").add(
        HttpApiGroup.make("stock").add(HttpApiEndpoint.get("left", "/left", { success: Schema.String }))
      )
      const server = createServer((_, response) => {
        response.setHeader("content-type", "application/json")
        response.end(`"seven"`)
      }).listen(0, "127.0.0.1")
      yield* Effect.promise(() => once(server, "listening"))
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      const ask = Effect.flatMap(LocatorLayer.client(Api, "stock"), ({ stock }) => stock.left())
      assert.strictEqual(yield* ask.pipe(Effect.provide(layerMemory({ stock: url }))), "seven")
      const error = yield* Effect.flip(ask.pipe(Effect.provide(layerMemory({}))))
      assert.strictEqual(error._tag, "LocatorError")
      server.close()
    }))
})

// Debian's dnsmasq: a DNS server that nobody here wrote.
const present = spawnSync("dnsmasq", ["--version"]).error === undefined

const startDns = async (port: number, records: ReadonlyArray<string>): Promise<ChildProcess> => {
  const alone = "--no-daemon --no-resolv --no-hosts --conf-file=/dev/null --pid-file= --user= --bind-interfaces"
  const options = [`--port=${port}`, "--listen-address=127.0.0.1", "--local-ttl=30"]
  const child = spawn("dnsmasq", [...alone.split(" "), ...options, ...records], { stdio: "ignore" })
  const resolver = new Resolver({ timeout: 200, tries: 1 })
  resolver.setServers([`127.0.0.1:${port}`])
  while (!await resolver.resolve4("up.test").then(() => true, () => false)) {
    if (child.exitCode !== null) throw new Error(`dnsmasq exited ${child.exitCode}`)
  }
  return child
}

describe.runIf(present)("a locator over DNS", () => {
  it.effect("follows A and SRV records, their time to live, and outlives its server", () =>
    Effect.gen(function*() {
      const port = yield* Effect.promise(freePort)
      const servers = [`127.0.0.1:${port}`]
      const up = "--host-record=up.test,127.0.0.9"
      const first = yield* Effect.promise(() =>
        startDns(port, [
          up,
          "--host-record=one.test,127.0.0.1",
          "--host-record=two.test,127.0.0.2",
          "--address=/many.test/127.0.0.3",
          "--srv-host=_http._tcp.stock.test,one.test,8001,1,20",
          "--srv-host=_http._tcp.stock.test,two.test,8002,1,10",
          "--srv-host=_http._tcp.stock.test,up.test,9999,2,10"
        ])
      )
      yield* Effect.gen(function*() {
        assert.strictEqual(yield* locate("orders"), "http://127.0.0.3:8080")
        const seen = yield* Effect.all(Array.from({ length: 6 }, () => locate("stock")))
        assert.deepStrictEqual(
          seen.sort(),
          [...Array(4).fill("http://127.0.0.1:8001"), ...Array(2).fill("http://127.0.0.2:8002")]
        )
        const missing = yield* Effect.flip(locate("missing"))
        assert.include(missing.message, "the SRV records of _http._tcp.nothing.test")

        first.kill("SIGKILL")
        yield* Effect.promise(() => once(first, "exit"))
        yield* TestClock.adjust("31 seconds")
        assert.match(yield* locate("stock"), /127\.0\.0\.[12]:800/)
        const second = yield* Effect.promise(() =>
          startDns(port, [up, "--host-record=new.test,127.0.0.4", "--srv-host=_http._tcp.stock.test,new.test,8004,1,1"])
        )
        yield* TestClock.adjust("6 seconds")
        assert.strictEqual(yield* locate("stock"), "http://127.0.0.4:8004")
        second.kill("SIGKILL")
      }).pipe(
        provide({
          orders: [LocatorLayer.host("many.test", 8080, servers)],
          stock: [LocatorLayer.srv("_http._tcp.stock.test", servers)],
          missing: [LocatorLayer.srv("_http._tcp.nothing.test", servers)]
        })
      )
    }), { timeout: 60_000 })
})
