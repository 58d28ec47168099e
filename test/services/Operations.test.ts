import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import * as OperationRequest from "../../src/services/OperationRequest.ts"
import * as Operations from "../../src/services/Operations.ts"
import { RichApi } from "../utils/richApi.ts"

const reflect = (api: HttpApi.Top) => Operations.reflect(api as never, ["serve", "init"])

const find = (group: string | undefined, name: string) => {
  const operation = Result.getOrThrow(reflect(RichApi as never)).find((it) => it.group === group && it.name === name)
  assert.isDefined(operation)
  return operation!
}

describe("reflection", () => {
  it("makes an operation of every endpoint", () => {
    const names: Array<string> = []
    HttpApi.reflect(RichApi, { onGroup: () => {}, onEndpoint: ({ endpoint }) => names.push(endpoint.identifier) })
    assert.deepStrictEqual(Result.getOrThrow(reflect(RichApi as never)).map(({ name }) => name), names)
  })

  it("sees a new endpoint with no other change", () => {
    class More extends HttpApi.make("more").addHttpApi(RichApi).add(
      HttpApiGroup.make("extra").add(HttpApiEndpoint.get("fresh", "/fresh", { query: { q: Schema.String } }))
    ) {}
    const fresh = Result.getOrThrow(reflect(More as never)).at(-1)
    assert.deepInclude(fresh, { group: "extra", name: "fresh" })
    assert.deepStrictEqual(fresh?.fields.map(({ flag }) => flag), ["q"])
  })

  it("gives each field a flag, nested ones with dots and colliding ones with their place", () => {
    const flags = find("items", "replace").fields.map(({ flag }) => flag)
    assert.deepStrictEqual(flags.slice(0, 5), ["path.id", "owner", "x-tenant", "dry", "body.id"])
    assert.includeMembers(flags, ["address.street", "address.place.lat", "parts", "labels", "flags"])
    assert.include(find("items", "change").fields.map(({ flag }) => flag), "body.json")
  })

  it("knows what each flag takes", () => {
    const kinds = Object.fromEntries(
      find("items", "replace").fields.map(({ flag, kind, repeated, required }) => [
        flag,
        [kind._tag, repeated, required]
      ])
    )
    assert.deepStrictEqual(kinds["dry"], ["Boolean", false, true])
    assert.deepStrictEqual(kinds["kind"], ["Choice", false, true])
    assert.deepStrictEqual(kinds["price"], ["Number", false, true])
    assert.deepStrictEqual(kinds["any"], ["Number", false, true])
    assert.deepStrictEqual(kinds["flags"], ["Boolean", true, true])
    assert.deepStrictEqual(kinds["parts"], ["Json", false, true])
    assert.deepStrictEqual(kinds["note"], ["Json", false, true])
    assert.deepStrictEqual(kinds["address.zip"], ["Number", false, false])
  })

  it("asks for a path however its parameters are written", () => {
    const id = Schema.String
    const get = <const Path extends `/${string}`>(path: Path, params: Record<string, typeof id>) =>
      HttpApiEndpoint.get(`at${++count}`, path, { params, success: id })
    let count = 0
    class Paths extends HttpApi.make("paths").add(
      HttpApiGroup.make("all").add(
        get("/plain/:id", { id }),
        get("/regex/:id(\\d+(?:x|y))/half", { id }),
        get("/verb/:id:cancel", { id }),
        get("/colon::batch/:id", { id }),
        get("/release/:id@:version", { id, version: id }),
        get("/file/:id.json", { id })
      )
    ) {}
    const operations = Result.getOrThrow(reflect(Paths as never))
    const targets = operations.map((operation) =>
      Result.getOrThrow(OperationRequest.make(operation, { id: ["7:x"], version: ["1"] }, { input: false })).target
    )
    assert.deepStrictEqual(targets, [
      "/plain/7%3Ax",
      "/regex/7%3Ax/half",
      "/verb/7%3Ax:cancel",
      "/colon:batch/7%3Ax",
      "/release/7%3Ax@1",
      "/file/7%3Ax.json"
    ])
  })

  describe("of schemas that are more than a type", () => {
    interface Linked {
      readonly value: string
      readonly next?: Linked
    }
    const Linked: Schema.Codec<Linked> = Schema.Struct({
      value: Schema.String,
      next: Schema.optionalKey(Schema.suspend(() => Linked))
    }).annotate({ identifier: "Linked" })
    const Name = Schema.String.annotate({ identifier: "Name" })
    const Names = Schema.Array(Schema.String).annotate({ identifier: "Names" })
    const optional = Schema.Struct({ inner: Schema.Struct({ text: Schema.optionalKey(Schema.String) }) })
    class Odd extends HttpApi.make("odd").add(
      HttpApiGroup.make("odd").add(
        HttpApiEndpoint.post("linked", "/linked", { payload: Linked }),
        HttpApiEndpoint.post("described", "/described", {
          payload: Schema.Struct({
            name: Name.annotateKey({ description: "who" }),
            names: Names.annotateKey({ description: "others" })
          })
        }),
        HttpApiEndpoint.get("union", "/union", {
          query: { a: Schema.optional(Schema.Union([Schema.String, Schema.Array(Schema.String)])) }
        }),
        HttpApiEndpoint.post("form", "/form", {
          payload: Schema.Struct({ ids: Schema.optional(Schema.Array(Schema.String)) }).pipe(
            HttpApiSchema.asFormUrlEncoded()
          )
        }),
        HttpApiEndpoint.post("nested", "/nested", { payload: Schema.Struct({ outer: optional }) }),
        HttpApiEndpoint.post("maybe", "/maybe", {
          payload: Schema.Struct({ outer: Schema.optionalKey(optional) })
        }),
        HttpApiEndpoint.post("bytes", "/bytes", { payload: Schema.Uint8Array.pipe(HttpApiSchema.asUint8Array()) }),
        HttpApiEndpoint.post("any", "/any", {
          payload: Schema.Struct({ value: Schema.Unknown, literal: Schema.NullOr(Schema.Literal("x")) })
        }),
        HttpApiEndpoint.get("form-of", "/form-of", {
          query: {
            key: Schema.TemplateLiteral(["sk-", Schema.String]),
            id: Schema.TemplateLiteral(["id-", Schema.Number])
          }
        }),
        HttpApiEndpoint.get("header", "/header", { headers: { "x-name": Schema.String } })
      )
    ) {}
    const made = (name: string, texts: OperationRequest.FlagTexts) => {
      const operation = Result.getOrThrow(reflect(Odd as never)).find((operation) => operation.name === name)
      const request = OperationRequest.make(operation ?? assert.fail(name), texts, { input: false })
      return Result.match(request, {
        onFailure: ({ problems }) => problems,
        onSuccess: ({ body, target }) => body ?? target
      })
    }

    it("takes what is in itself as JSON", () => {
      const linked = made("linked", { value: ["a"], next: [`{"value":"b"}`] })
      assert.strictEqual(linked, `{"value":"a","next":{"value":"b"}}`)
    })

    it("knows the type of what has a name and a description", () => {
      const body = made("described", { name: ["5"], names: ["a", "b"] })
      assert.strictEqual(body, `{"name":"5","names":["a","b"]}`)
    })

    it("takes several values of a union and of what may be left out", () => {
      assert.strictEqual(made("union", { a: ["x", "y"] }), "/union?a=x&a=y")
      assert.strictEqual(made("form", { ids: ["x", "y"] }), "ids=x&ids=y")
    })

    it("sends objects that must be there, though nothing in them must", () => {
      assert.strictEqual(made("nested", {}), `{"outer":{"inner":{}}}`)
      assert.strictEqual(made("nested", { "outer.inner.text": ["t"] }), `{"outer":{"inner":{"text":"t"}}}`)
      assert.strictEqual(made("maybe", {}), "{}")
    })

    it("asks for the input of an operation that has no other body", () => {
      assert.deepStrictEqual(made("bytes", {}), ["--input is missing"])
    })

    it("takes text where anything may be, JSON first, and null for one", () => {
      assert.strictEqual(made("any", { value: ["hello"], literal: ["null"] }), `{"value":"hello","literal":null}`)
      assert.strictEqual(made("any", { value: ["5"], literal: ["x"] }), `{"value":5,"literal":"x"}`)
    })

    it("says which form a text has not, and not the text", () => {
      const problems = made("form-of", { key: ["secret"], id: ["id-q"] })
      assert.strictEqual(problems[0], "--key: the text is not of the form ^sk-[\\s\\S]*?$")
      assert.match(String(problems[1]), /^--id: the text is not of the form \^id-/)
    })

    it("refuses what cannot be a header", () => {
      assert.deepStrictEqual(made("header", { "x-name": ["€"] }), [`--x-name: "€" cannot be the value of a header`])
    })
  })

  it("misses a flag that every object has", () => {
    class Cars extends HttpApi.make("cars").add(
      HttpApiGroup.make("cars").add(
        HttpApiEndpoint.get("by", "/cars/:constructor", { params: { constructor: Schema.String } })
      )
    ) {}
    const [by] = Result.getOrThrow(reflect(Cars as never))
    const request = OperationRequest.make(by ?? assert.fail("no operation"), {}, { input: false })
    assert.deepStrictEqual(Result.getOrThrow(Result.flip(request)).problems, ["--constructor is missing"])
  })

  it("names every operation that has no command line, and what to do, at once", () => {
    class Bad extends HttpApi.make("bad").add(
      HttpApiGroup.make("files").add(
        HttpApiEndpoint.post("upload", "/files", {
          payload: Schema.Struct({ name: Schema.String }).pipe(HttpApiSchema.asMultipart())
        }),
        HttpApiEndpoint.get("any", "/files/*", { success: Schema.String }),
        HttpApiEndpoint.get("one", "/one/:id", { success: Schema.String }),
        HttpApiEndpoint.get("hidden", "/hidden/*", { success: Schema.String }).annotate(OpenApi.Exclude, true),
        HttpApiEndpoint.get("has space", "/space", { success: Schema.String }),
        HttpApiEndpoint.get("tunnel", "/tunnel", { success: HttpApiSchema.Upgrade({ protocol: "x" }) })
      ),
      HttpApiGroup.make("serve").add(HttpApiEndpoint.get("x", "/x", { success: Schema.String }))
    ) {}
    const result = reflect(Bad as never)
    assert.isTrue(Result.isFailure(result))
    const { message, problems } = Result.getOrThrow(Result.flip(result))
    assert.strictEqual(problems.length, 6)
    for (
      const part of [
        "files.upload (POST /files): a multipart body",
        "files.any (GET /files/*): a wildcard path",
        "files.one (GET /one/:id): a parameter in its path that is not declared",
        "files.has space (GET /space): its name is no command word",
        "files.tunnel (GET /tunnel): it upgrades the connection",
        "serve.x (GET /x): serve is a command of the chassis"
      ]
    ) assert.include(message, part)
  })
})
