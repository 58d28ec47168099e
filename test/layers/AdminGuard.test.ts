import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer, Result } from "effect"
import { Schema } from "effect"
import { HttpApi, HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { IncomingMessage, request } from "node:http"
import { Socket } from "node:net"
import { networkInterfaces } from "node:os"
import * as Admin from "../../src/layers/Admin.ts"
import * as AdminGuard from "../../src/layers/AdminGuard.ts"
import * as HealthRoutes from "../../src/layers/HealthRoutes.ts"
import * as Microservice from "../../src/layers/Microservice.ts"
import * as Server from "../../src/layers/Server.ts"
import { BreakGlass } from "../../src/services/BreakGlass.ts"
import { resolve, Settings } from "../../src/services/Settings.ts"

class Api extends HttpApi.make("test").add(
  HttpApiGroup.make("things").add(
    HttpApiEndpoint.get("thing", "/things/:id", { params: { id: Schema.String }, success: Schema.String })
  )
) {}

const handlers = Microservice.group(
  Api,
  "things",
  (handlers) => handlers.handle("thing", ({ params: { id } }) => Effect.succeed(id))
)

const layer = (flags: Record<string, string> = {}) =>
  Layer.mergeAll(Server.layer(Api).pipe(Layer.provide(handlers)), Admin.layer).pipe(
    Layer.provideMerge(Microservice.MicroserviceMemory),
    Layer.provide(
      Layer.succeed(
        Settings,
        Result.getOrThrow(
          resolve({ flags: { host: "127.0.0.1", port: "0", "admin-port": "0", ...flags }, env: {} })
        )
      )
    )
  )

interface Answer {
  readonly status: number | undefined
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
}

const ask = (base: string, path: string, method = "GET", headers: Record<string, string> = {}) =>
  Effect.promise(() =>
    new Promise<Answer>((resolve, reject) => {
      const { hostname, port } = new URL(base)
      request({ hostname, port, path, method, headers, agent: false }, (response) => {
        let body = ""
        response.on("data", (data) => body += String(data))
        response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, body }))
      }).on("error", reject).end()
    })
  )

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY", "TRACE"]
const change = { "x-keelson": "1" }
const arming = "/debug/arm?for=1m&reason=a%20leak"
const concrete = (path: string) => path.replace("*", "cmdline")
const external = Object.values(networkInterfaces()).flat().find((found) =>
  found?.internal === false && found.family === "IPv4"
)?.address

describe("the service listener", () => {
  it.live("serves nothing that the admin listener does but the probes, not even while debugging is armed", () =>
    Effect.gen(function*() {
      const { routes } = yield* Admin.Admin
      const { url } = yield* Server.Server
      assert.isAbove(routes.length, 10)
      yield* (yield* BreakGlass).arm({ duration: Duration.minutes(1), reason: "test", peer: "test" })
      for (const { path } of routes) {
        if (HealthRoutes.paths.has(path)) continue
        for (const method of methods) {
          const { status } = yield* ask(url, concrete(path), method, change)
          assert.deepStrictEqual([method, path, status], [method, path, 404])
        }
      }
      const health = JSON.parse((yield* ask(url, "/health")).body) as object
      assert.hasAllKeys(health, ["status", "releaseId"])
    }).pipe(Effect.scoped, Effect.provide(layer())))
})

describe("the admin listener", () => {
  it.live("takes the methods of its routes alone, and says which, and no other site's page may read it", () =>
    Effect.gen(function*() {
      const { routes, url } = yield* Admin.Admin
      const paths = new Set(routes.map(({ path }) => path).filter((path) => path !== "/debug/heapsnapshot"))
      for (const path of paths) {
        const allowed = routes.filter((route) => route.path === path).map(({ method }) => method)
        for (const method of methods) {
          if (allowed.includes(method) || (method === "HEAD" && allowed.includes("GET"))) continue
          const { headers, status } = yield* ask(url, concrete(path), method, {
            ...change,
            origin: "http://evil.example"
          })
          assert.deepStrictEqual(
            [method, path, status, headers["allow"]],
            [method, path, 405, allowed.join(", ")]
          )
          assert.deepStrictEqual(Object.keys(headers).filter((name) => name.startsWith("access-control")), [])
        }
      }
      const { headers } = yield* ask(url, "/health", "GET", { origin: "http://evil.example" })
      assert.deepStrictEqual(Object.keys(headers).filter((name) => name.startsWith("access-control")), [])
    }).pipe(Effect.scoped, Effect.provide(layer())))

  it.live("begins no capture for a page of another site, however it spells the path", () =>
    Effect.gen(function*() {
      const { routes, url } = yield* Admin.Admin
      const debug = routes.filter(({ path }) => path.startsWith("/debug/") && path !== "/debug/heapsnapshot")
      assert.isAbove(debug.length, 5)
      for (const { method, path } of debug) {
        for (const spelled of [concrete(path), concrete(path).replace("debug", "%64ebug")]) {
          const answer = yield* ask(url, spelled, method, { ...change, "sec-fetch-site": "cross-site" })
          assert.deepStrictEqual([spelled, answer.status], [spelled, 403])
          assert.include(answer.body, "another site")
        }
      }
      for (const site of ["same-origin", "same-site", "none"]) {
        const { status } = yield* ask(url, "/debug/pprof/cmdline", "GET", { "sec-fetch-site": site })
        assert.strictEqual(status, 200, site)
      }
      assert.strictEqual((yield* ask(url, "/", "GET", { "sec-fetch-site": "cross-site" })).status, 200)
      assert.strictEqual((yield* ask(url, "/logs?follow", "GET", { "sec-fetch-site": "cross-site" })).status, 403)
    }).pipe(Effect.scoped, Effect.provide(layer())))

  it.live("changes nothing without the header that a page of another site cannot send", () =>
    Effect.gen(function*() {
      const { routes, url } = yield* Admin.Admin
      // pprof posts what it asks about, and a profile stays what it was.
      const changing = routes.filter(({ method, path }) => method !== "GET" && path !== "/debug/pprof/symbol")
      assert.isAtLeast(changing.length, 2)
      for (const { method, path } of changing) {
        for (const headers of [{}, { "x-keelson": "0" }, { "content-type": "text/plain" }]) {
          const { body, status } = yield* ask(url, path === "/debug/arm" ? arming : concrete(path), method, headers)
          assert.deepStrictEqual([path, status], [path, 403])
          assert.include(body, "X-Keelson: 1")
        }
      }
      assert.isUndefined((yield* BreakGlass).armed())
      assert.strictEqual((yield* ask(url, arming, "POST", change)).status, 200)
      assert.strictEqual((yield* BreakGlass).armed()?.reason, "a leak")
    }).pipe(Effect.scoped, Effect.provide(layer())))

  it.live("answers no other Host than its own, whatever is asked for", () =>
    Effect.gen(function*() {
      const { routes, url } = yield* Admin.Admin
      const own = ["localhost", "LOCALHOST:9990", "127.0.0.1:9990", "[::1]:9990", "127.8.8.8"]
      const others = [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evil.example:9990",
        "10.0.0.1",
        "0.0.0.0"
      ]
      for (const host of own) assert.strictEqual((yield* ask(url, "/version", "GET", { host })).status, 200, host)
      for (const host of others) {
        for (
          const [method, path] of [...routes.map(({ method, path }) => [method, concrete(path)]), ["GET", "/nothing"]]
        ) {
          const { status } = yield* ask(url, path ?? "", method, { ...change, host })
          assert.deepStrictEqual([host, path, status], [host, path, 421])
        }
      }
      const absolute = yield* ask(url, "http://evil.example/settings")
      assert.strictEqual(absolute.status, 421)
    }).pipe(Effect.scoped, Effect.provide(layer())))

  it("refuses who is not on this machine, unless it was bound to be reached", () => {
    const from = (remoteAddress: string | undefined, host: string) => {
      const socket = new Socket()
      Object.defineProperty(socket, "remoteAddress", { value: remoteAddress })
      const message = new IncomingMessage(socket)
      message.headers = { host: "localhost" }
      message.url = "/"
      return AdminGuard.make({ host, names: [] })(message)?.status
    }
    for (const peer of ["127.0.0.1", "::1", "::ffff:127.0.0.1"]) assert.isUndefined(from(peer, "127.0.0.1"), peer)
    for (const peer of ["10.0.0.1", "::ffff:10.0.0.1", "fe80::1", "1.127.0.0", undefined]) {
      for (const host of ["127.0.0.1", "localhost", "::1"]) assert.strictEqual(from(peer, host), 403, `${peer} ${host}`)
      assert.isUndefined(from(peer, "0.0.0.0"), peer)
    }
  })

  describe.runIf(external !== undefined || process.env["CI"] !== undefined)(
    "seen from an address of the network",
    () => {
      const at = (url: string) => url.replace("127.0.0.1", external ?? "").replace("localhost", external ?? "")

      it.live("is not there by default", () =>
        Effect.gen(function*() {
          const { url } = yield* Admin.Admin
          const failure = yield* Effect.promise(() =>
            fetch(`${at(url)}/version`).then(() => "answered", () => "refused")
          )
          assert.strictEqual(failure, "refused")
        }).pipe(Effect.scoped, Effect.provide(layer())))

      it.live("answers to addresses and the names it was given, and arms for nobody, where it was bound to all", () =>
        Effect.gen(function*() {
          const { url } = yield* Admin.Admin
          const host = (name: string) => ask(at(url), "/version", "GET", { host: name })
          assert.strictEqual((yield* ask(at(url), "/version")).status, 200)
          for (const name of ["orders.internal", "orders.internal:9990"]) {
            assert.strictEqual((yield* host(name)).status, 200, name)
          }
          for (const name of ["evil.example", "10.0.0.1.evil.example", "internal"]) {
            assert.strictEqual((yield* host(name)).status, 421, name)
          }
          for (const path of [arming, "/debug/disarm"]) {
            assert.strictEqual((yield* ask(at(url), path, "POST", change)).status, 403, path)
          }
          assert.isUndefined((yield* BreakGlass).armed())
          assert.strictEqual((yield* ask(url, arming, "POST", change)).status, 200)
        }).pipe(Effect.scoped, Effect.provide(layer({ "admin-host": "0.0.0.0", "admin-names": "a, Orders.internal" }))))
    }
  )
})
