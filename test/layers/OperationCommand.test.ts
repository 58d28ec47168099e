import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Console, Effect, Result, Schema, Stream } from "effect"
import { FetchHttpClient } from "effect/http"
import { HttpApi, HttpApiClient, type HttpApiEndpoint } from "effect/http-api"
import { mkdtempSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { group } from "../../src/layers/OperationGroup.ts"
import * as ExitCode from "../../src/services/ExitCode.ts"
import type { Operation } from "../../src/services/Operations.ts"
import { resolve, Settings } from "../../src/services/Settings.ts"
import { RichApi } from "../utils/richApi.ts"
import { inProcess, listening, operations, run } from "../utils/richService.ts"

const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000)
const directory = mkdtempSync(join(tmpdir(), "keelson-"))

const endpoints = new Map<string, HttpApiEndpoint.Top>()
HttpApi.reflect(RichApi, {
  onGroup: () => {},
  onEndpoint: ({ endpoint, group }) => {
    endpoints.set(`${group.identifier} ${endpoint.identifier}`, endpoint as never)
  }
})

const endpointOf = ({ group = "top", name }: Operation) => {
  const endpoint = endpoints.get(`${group} ${name}`)
  assert.isDefined(endpoint)
  return endpoint!
}

const slots = (endpoint: HttpApiEndpoint.Top) => {
  const payload = [...endpoint.payload.values()][0]?.schemas[0] as
    | (Schema.Top & { readonly _tag?: string; readonly schema?: Schema.Top })
    | undefined
  return {
    params: endpoint.params as Schema.Top | undefined,
    query: endpoint.query as Schema.Top | undefined,
    headers: endpoint.headers as Schema.Top | undefined,
    payload: payload?._tag === "StreamNdjson" && payload.schema !== undefined ? Schema.Array(payload.schema) : payload
  }
}

type Input = Readonly<Record<keyof ReturnType<typeof slots>, any>>

const inputs = (endpoint: HttpApiEndpoint.Top) =>
  Arbitrary.all(Object.fromEntries(
    Object.entries(slots(endpoint)).map(([slot, schema]) => [
      slot,
      schema === undefined
        ? Arbitrary.Constant(undefined)
        : Arbitrary.schema(Schema.toType(schema) as Schema.Codec<unknown>)
    ])
  )) as Arbitrary.Arbitrary<Input>

const encoded = (endpoint: HttpApiEndpoint.Top, input: Input): Input =>
  Object.fromEntries(
    Object.entries(slots(endpoint)).map(([slot, schema]) => [
      slot,
      schema === undefined
        ? undefined
        : Schema.encodeUnknownSync(schema as Schema.Codec<unknown>)(input[slot as keyof Input])
    ])
  ) as Input

const command = ({ group, name }: Operation) => group === undefined ? [name] : [group, name]

const argv = (operation: Operation, input: Input): ReadonlyArray<string> => [
  ...command(operation),
  ...operation.fields.flatMap(({ flag, kind, path, repeated, slot }) => {
    const from = {
      path: input.params,
      query: { ...input.query, ...input.payload },
      header: input.headers,
      body: input.payload
    }
    const value = path.reduce((value: any, name) => value?.[name], from[slot])
    if (value === undefined) return []
    if (kind._tag === "Boolean" && !repeated) return [String(value) === "true" ? `--${flag}` : `--no-${flag}`]
    return (repeated && Array.isArray(value) ? value : [value]).map((item: unknown) =>
      `--${flag}=${kind._tag === "Json" ? JSON.stringify(item) : String(item)}`
    )
  })
]

const withInput = (operation: Operation, input: Input): ReadonlyArray<string> => {
  if (operation.body?.kind !== "bytes") return argv(operation, input)
  const file = join(directory, "input.ndjson")
  writeFileSync(file, (input.payload as ReadonlyArray<unknown>).map((line) => `${JSON.stringify(line)}\n`).join(""))
  return [
    ...argv({ ...operation, fields: operation.fields.filter(({ slot }) => slot !== "body") }, input),
    `--input=${file}`
  ]
}

const call = (url: string, operation: Operation, input: Input) =>
  Effect.gen(function*() {
    const client: any = yield* HttpApiClient.make(RichApi, { baseUrl: url })
    const method = operation.group === undefined ? client[operation.name] : client[operation.group][operation.name]
    const payload = operation.body?.kind === "bytes" ? Stream.fromIterable(input.payload) : input.payload
    const response = yield* method({ ...input, payload, responseMode: "response-only" })
    return { status: response.status as number, text: (yield* response.text) as string }
  }).pipe(Effect.provide(FetchHttpClient.layer)) as Effect.Effect<{ status: number; text: string }, unknown>

const tagOf = (text: string) => (JSON.parse(text) as { _tag?: string })._tag

describe(`every operation of a rich API (seed ${seed})`, () => {
  for (const operation of operations) {
    const endpoint = endpointOf(operation)
    it.live(`${command(operation).join(" ")} gives the same bytes over HTTP, here and with --target`, () =>
      Effect.scoped(Effect.gen(function*() {
        const url = yield* listening
        const transport = yield* inProcess(group)
        let successes = 0
        const result = yield* Arbitrary.checkEffect(inputs(endpoint), (input) =>
          Effect.gen(function*() {
            const args = withInput(operation, encoded(endpoint, input))
            const answer = yield* call(url, operation, input)
            const here = yield* run([...args, "--json"], transport)
            const there = yield* run([...args, "--json", `--target=${url}`], transport)
            assert.deepStrictEqual(there, here)
            assert.strictEqual(here.code, ExitCode.fromStatus(answer.status), here.stderr)
            if (answer.status < 300) {
              successes++
              assert.deepStrictEqual(here, { code: 0, stdout: answer.text, stderr: "" })
            } else {
              assert.strictEqual(here.stdout, "")
              assert.strictEqual(tagOf(here.stderr), tagOf(answer.text))
            }
            return true
          }), { seed, runs: 40 })
        assert.isUndefined(Arbitrary.formatCheckFailure(result))
        if (operation.name !== "broken") assert.isAbove(successes, 0)
      })))
  }
})

describe("input that is refused", () => {
  const cases: ReadonlyArray<readonly [ReadonlyArray<string>, string]> = [
    [["items", "get", "--id=abc"], "finite number"],
    [["items", "get", "--id=NaN"], "finite number"],
    [["items", "get", "--id=Infinity"], "finite number"],
    [["items", "get", "--id=1.5"], "integer"],
    [["items", "get"], "--id is missing"],
    [["items", "search", "--tags=a", "--price=none"], "HttpApiSchemaError"],
    [["bodies", "form", "--a=x", "--n=abc"], "finite number"],
    [["bodies", "list", "--body=[1,"], "valid JSON"],
    [["bodies", "list", "--body=[1,\"a\"]"], "HttpApiSchemaError"],
    [["items", "change", "--id=1", "--place.lat=x"], "finite number"],
    [["items", "change", "--id=1", "--name=a", "--input=-"], "leave out the flags of the body"],
    [["items", "get", "--id=1", "--header=nonsense"], "Name: value"],
    [["items", "get", "--id=1", "--header=bad name: x"], "Name: value"],
    [["bodies", "list", "--input=/nowhere/input.json"], "--input: ENOENT: no such file or directory, open '/nowhere"],
    [["bodies", "list", `--input=${directory}`], "--input: EISDIR"],
    [["ping", "--target=foo"], "--target: expected the URL of a service, got \"foo\""],
    [["ping", "--target="], "--target: expected the URL of a service, got \"\""],
    [["ping", "--target=localhost:8080"], "--target: expected the URL of a service, got \"localhost:8080\""],
    [["ping", "--target=http://here?x"], "--target: expected the URL of a service, got \"http://here?x\""],
    [["ping", "--target=http://a:secret@here"], "--target: expected the URL of a service, got \"http://…@here\""]
  ]
  for (const [args, expected] of cases) {
    it.effect(`exits 2 for ${args.join(" ")}`, () =>
      Effect.scoped(Effect.gen(function*() {
        const { code, stderr, stdout } = yield* run(args, yield* inProcess(group), "{}")
        assert.deepStrictEqual([code, stdout], [2, ""])
        assert.include(stderr, expected)
      })))
  }

  it.effect("names all missing and wrong flags at once", () =>
    Effect.scoped(Effect.gen(function*() {
      const { stderr } = yield* run(["items", "replace", "--path.id=x", "--price=y"], yield* inProcess(group))
      for (
        const flag of ["--path.id", "--owner", "--dry", "--x-tenant", "--body.id", "--price", "--address.place.lat"]
      ) {
        assert.include(stderr, flag)
      }
    })))
})

describe("a command", () => {
  it.effect("takes the whole body from standard input", () =>
    Effect.scoped(Effect.gen(function*() {
      const { code, stdout } = yield* run(["bodies", "list", "--input=-"], yield* inProcess(group), "[3, 4]")
      assert.deepStrictEqual([code, stdout], [0, "[3,4]"])
    })))

  it.effect("takes a number for one where a text may be too", () =>
    Effect.scoped(Effect.gen(function*() {
      const transport = yield* inProcess(group)
      for (const [given, sent] of [["5", "5"], ["5.5", "5.5"], ["five", "\"five\""], ["\"5\"", "\"5\""]]) {
        const { stdout } = yield* run(["bodies", "names", `--either=${given}`, "--constructor=c"], transport)
        assert.strictEqual(stdout, `{"constructor":"c","either":${sent}}`)
      }
    })))

  it.effect("misses a field that is called like what every object has", () =>
    Effect.scoped(Effect.gen(function*() {
      const { code, stderr } = yield* run(["bodies", "names", "--either=x"], yield* inProcess(group))
      assert.deepStrictEqual([code, stderr], [2, "HttpApiSchemaError: --constructor is missing (HTTP 400)\n"])
    })))

  it.effect("needs no parameter that its path may be without", () =>
    Effect.scoped(Effect.gen(function*() {
      const transport = yield* inProcess(group)
      assert.strictEqual((yield* run(["bodies", "maybe"], transport)).stdout, "{}")
      assert.strictEqual((yield* run(["bodies", "maybe", "--id=a"], transport)).stdout, `{"id":"a"}`)
    })))

  it.effect("has the limit of bodies that the listener has, and reads no more of one", () =>
    Effect.scoped(Effect.gen(function*() {
      const limited = Effect.provideService(inProcess(group), Settings, {
        ...Result.getOrThrow(resolve({ flags: {}, env: {} })),
        maxBody: 10
      })
      const transport = yield* limited
      const taken = yield* run(["bodies", "list", "--body=[1,2,3,45]"], transport)
      assert.deepStrictEqual(taken, { code: 0, stdout: "[1,2,3,45]", stderr: "" })
      const refused = yield* run(["bodies", "list", "--body=[1,2,3,456]"], transport)
      const message = "BodyTooLarge: The request body is larger than the 10 bytes taken here (HTTP 413)\n"
      assert.deepStrictEqual(refused, { code: 2, stdout: "", stderr: message })
      let pulled = 0
      const body = new ReadableStream({ pull: (controller) => controller.enqueue(Buffer.from(`${++pulled}`)) })
      const headers = { "content-type": "application/json" }
      const init = { method: "POST", headers, body, duplex: "half" as const }
      const { status } = yield* Effect.promise(() => transport(new Request("http://localhost/bodies/list", init)))
      assert.deepStrictEqual([status, pulled < 15], [413, true])
    })))

  it.effect("prints a declared error by tag and exits by its status", () =>
    Effect.scoped(Effect.gen(function*() {
      const { code, stderr } = yield* run(["items", "get", "--id=-1"], yield* inProcess(group))
      assert.deepStrictEqual([code, stderr], [3, "Missing: {\"id\":-1} (HTTP 404)\n"])
    })))

  it.effect("exits 8 when the target gives no answer", () =>
    Effect.scoped(Effect.gen(function*() {
      const { code, stderr } = yield* run(["ping", "--target=http://127.0.0.1:9"], yield* inProcess(group))
      assert.strictEqual(code, ExitCode.unavailable)
      assert.include(stderr, "http://127.0.0.1:9 gave no answer")
    })))

  it.live("follows no redirect, and says where it leads", () =>
    Effect.gen(function*() {
      const asked: Array<string> = []
      const server = createServer(({ method, url }, response) => {
        asked.push(`${method} ${url}`)
        response.writeHead(url === "/elsewhere" ? 200 : 302, { location: "/elsewhere" }).end("[]")
      })
      yield* Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void)))
      const { port } = server.address() as AddressInfo
      const args = ["bodies", "list", "--body=[1]", `--target=http://127.0.0.1:${port}`]
      const { code, stderr, stdout } = yield* run(args, () => Promise.reject(new Error("here")))
      assert.deepStrictEqual([code, stdout, asked.length], [1, "", 1], asked.join())
      assert.include(stderr, "it leads to /elsewhere, and is not followed (HTTP 302)")
      server.close()
    }))

  it.effect("says when an answer breaks off", () =>
    Effect.gen(function*() {
      for (const [status, terminal] of [[200, true], [200, false], [500, false]] as const) {
        const body = new ReadableStream({ pull: (controller) => controller.error(new Error("reset")) })
        const headers = { "content-type": "application/json" }
        const transport = () => Promise.resolve(new Response(body, { status, headers }))
        const { code, stderr, stdout } = yield* run(["ping"], transport, "", terminal)
        assert.deepStrictEqual([code, stdout, stderr], [1, "", "The answer broke off: reset\n"])
      }
    }))

  it.effect("prints on a terminal as it is what is no JSON", () =>
    Effect.gen(function*() {
      const answer = (text: string) => () =>
        Promise.resolve(new Response(text, { headers: { "content-type": "application/json" } }))
      assert.deepStrictEqual(yield* run(["ping"], answer("{oops"), "", true), { code: 0, stdout: "{oops", stderr: "" })
      assert.strictEqual((yield* run(["ping"], answer("[1]"), "", true)).stdout, "[\n  1\n]\n")
    }))

  it.effect("says in its help what must be given, and of no array that may be empty", () =>
    Effect.scoped(Effect.gen(function*() {
      const lines: Array<string> = []
      const log = (...texts: ReadonlyArray<unknown>) => void lines.push(texts.join(" "))
      yield* run(["items", "replace", "--help"], yield* inProcess(group)).pipe(
        Effect.provideService(Console.Console, { ...globalThis.console, log })
      )
      const help = lines.join("\n")
      assert.match(help, /--price .*required/)
      assert.match(help, /--flags /)
      assert.notMatch(help, /--flags .*required/)
    })))

  it.effect("adds headers", () =>
    Effect.scoped(Effect.gen(function*() {
      let seen = ""
      const see = (name: string) => (request: Request) => {
        seen = request.headers.get(name) ?? ""
        return Promise.resolve(new Response("{}"))
      }
      yield* run(["ping", "--header=X-Trace: abc"], see("x-trace"))
      assert.strictEqual(seen, "abc")
      yield* run(["bodies", "list", "--body=[1]", "--header=Content-Type: text/plain"], see("content-type"))
      assert.strictEqual(seen, "text/plain")
    })))

  it.effect("fails when a server-sent stream ends with an error, having printed what came", () =>
    Effect.scoped(Effect.gen(function*() {
      const event = `data: {"n":1}\n\nevent: effect/http-api/stream/failure\ndata: []\n\n`
      const body = new ReadableStream({
        start: (controller) => {
          for (const byte of Buffer.from(event)) controller.enqueue(Uint8Array.of(byte))
          controller.close()
        }
      })
      const { code, stdout } = yield* run(["streams", "events", "--to=1"], () => Promise.resolve(new Response(body)))
      assert.deepStrictEqual([code, stdout], [1, event])
    })))
})
