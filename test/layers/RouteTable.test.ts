import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Schema } from "effect"
import * as FindMyWay from "effect/http/FindMyWay"
import * as RouteTable from "../../src/layers/RouteTable.ts"

const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000)

const segment = Schema.Literals(["a", "b", "A", "a.b", "a-b", ":x", ":x", ":x", ":x-:y", ":x.json", ":x(^\\d+$)"])
const Route = Schema.Struct({
  method: Schema.Literals(["GET", "GET", "POST"]),
  segments: Schema.Array(segment).pipe(Schema.check(Schema.isMaxLength(3))),
  end: Schema.Literals(["", "", "", "/", "/*", "?"])
})
const filling = Schema.Literals([
  "a",
  "b",
  "A",
  "a.b",
  "1",
  "c-d",
  "e.json",
  "%41",
  "%2F",
  "a;b",
  "a?x=1",
  "a#b",
  "",
  "é",
  "%",
  "a/b",
  "ABC"
])
const Case = Schema.Struct({
  routes: Schema.NonEmptyArray(Route).pipe(Schema.check(Schema.isMaxLength(4))),
  requests: Schema.Array(Schema.Struct({
    method: Schema.Literals(["GET", "GET", "POST", "HEAD"]),
    like: Schema.Natural,
    fillings: Schema.Array(filling).pipe(Schema.check(Schema.isMinLength(3), Schema.isMaxLength(3))),
    upper: Schema.Boolean,
    more: Schema.Literals(["", "", "", "/", "/a", "?a=b"]),
    repeat: Schema.Literals([1, 1, 1, 60])
  }))
})

// An address that one of the routes may answer, or almost.
const urlOf = (
  { routes }: typeof Case.Type,
  { fillings, like, more, repeat, upper }: typeof Case.Type["requests"][number]
) => {
  const segments = routes[like % routes.length]?.segments ?? []
  const path = segments.map((text, index) => text.startsWith(":") ? fillings[index]?.repeat(repeat) : text).join("/")
  return `/${upper ? path.toUpperCase() : path}${more}`
}

const pathOf = ({ end, segments }: typeof Route.Type): `/${string}` => {
  const path = segments.map((text, index) => `/${text.replace(":x", `:x${index}`).replace(":y", `:y${index}`)}`).join(
    ""
  )
  return end === "?" && !/:\w+$/.test(path) ? `/${path.slice(1)}` : `/${`${path}${end}`.slice(1)}`
}

const add = (
  table: { readonly on: (method: string, path: `/${string}`, route: string) => void },
  routes: typeof Case.Type["routes"]
) => {
  for (const route of routes) {
    const path = pathOf(route)
    try {
      table.on(route.method, path, `${route.method} ${path}`)
    } catch {
      // The router knows it by another spelling.
    }
  }
}

const told = (found: FindMyWay.FindResult<string> | undefined) =>
  found === undefined ? undefined : { ...found, params: { ...found.params }, searchParams: { ...found.searchParams } }

describe("a table of routes", () => {
  it.effect(`finds what Effect's router finds (seed ${seed})`, () =>
    Effect.gen(function*() {
      const result = yield* Arbitrary.checkEffect(Arbitrary.schema(Case), (given) =>
        Effect.sync(() => {
          const { requests, routes } = given
          const router = FindMyWay.make<string>()
          const table = RouteTable.make<string>()
          add(router, routes)
          add(table, routes)
          for (const request of requests) {
            const url = urlOf(given, request)
            const { method } = request
            assert.deepStrictEqual([url, told(table.find(method, url))], [url, told(router.find(method, url))])
          }
          return true
        }), { seed, runs: 3000 })
      assert.isUndefined(Arbitrary.formatCheckFailure(result))
    }))

  it("leaves to the router what another route could answer", () => {
    const cases = [
      ["/things/ALL", "/things/all"],
      ["/things/all/:x?", "/things/all"],
      ["/things/all/", "/things/all"],
      ["//things//all", "/things/all"]
    ] as const
    for (const [other, url] of cases) {
      const table = RouteTable.make<string>()
      table.on("GET", "/things/:id", "one")
      table.on("GET", other, "other")
      assert.strictEqual(table.find("GET", url)?.handler, "other")
    }
  })

  it("takes a route that is added after it was asked", () => {
    const table = RouteTable.make<string>()
    table.on("GET", "/things/:id", "one")
    assert.deepStrictEqual(table.find("GET", "/things/all")?.handler, "one")
    table.on("GET", "/things/all", "all")
    assert.deepStrictEqual(table.find("GET", "/things/all")?.handler, "all")
    assert.deepStrictEqual(told(table.find("GET", "/things/7")), {
      handler: "one",
      params: { id: "7" },
      searchParams: {}
    })
  })

  it("follows a configuration, which its shortcuts do not know", () => {
    const table = RouteTable.make<string>({ ignoreTrailingSlash: false, maxParamLength: 10 })
    table.on("GET", "/a/:x", "x")
    assert.strictEqual(table.find("GET", `/a/${"x".repeat(10)}`)?.handler, "x")
    assert.isUndefined(table.find("GET", `/a/${"x".repeat(11)}`))
    assert.isUndefined(table.find("GET", "/a/x/"))
  })
})
