import {
  CloudWatchLogsClient,
  type CloudWatchLogsClientConfig,
  PutLogEventsCommand
} from "@aws-sdk/client-cloudwatch-logs"
import { assert, describe, it, onTestFinished, vi } from "@effect/vitest"
import { Arbitrary, Effect, Schema } from "effect"
import { once } from "node:events"
import { Agent, createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { type AddressInfo, connect } from "node:net"
import { classify, DeliveryError } from "../../src/services/DeliveryError.ts"
import { freePort } from "../utils/aws.ts"

const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000)

type Verdict = readonly [kind: DeliveryError["kind"], ambiguous: boolean]

const verdict = (cause: unknown): Verdict => {
  const { ambiguous, kind } = classify(cause)
  return [kind, ambiguous]
}

const throttle: Verdict = ["throttle", false]
const missing: Verdict = ["missing", false]
const auth: Verdict = ["auth", false]
const invalid: Verdict = ["invalid", false]
const unsent: Verdict = ["transient", false]
const unanswered: Verdict = ["transient", true]

interface Given {
  readonly name?: string
  readonly status?: number
  readonly code?: string
  readonly message?: string
}

const errorOf = ({ code, message = "told so", name = "Error", status }: Given): Error =>
  Object.assign(
    new Error(message),
    { name },
    code === undefined ? {} : { code },
    status === undefined ? {} : { $metadata: { httpStatusCode: status } }
  )

const refusing = { connectionTimeout: 200, requestTimeout: 200, throwOnRequestTimeout: true }

/** What the SDK throws when it is to put an event. */
const thrown = async (config: CloudWatchLogsClientConfig, abortSignal?: AbortSignal): Promise<unknown> => {
  const client = new CloudWatchLogsClient({
    region: "eu-west-1",
    maxAttempts: 1,
    credentials: { accessKeyId: "AKIA", secretAccessKey: "secret" },
    requestHandler: refusing,
    ...config
  })
  onTestFinished(() => client.destroy())
  const command = new PutLogEventsCommand({
    logGroupName: "/orders",
    logStreamName: "orders/i-1",
    logEvents: [{ timestamp: 0, message: "hello" }]
  })
  return client.send(command, abortSignal === undefined ? {} : { abortSignal }).then(
    () => assert.fail("CloudWatch took it"),
    (error: unknown) => error
  )
}

/** The URL of a server that does this once it has read a request. */
const serving = async (handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> => {
  const server = createServer((request, response) => {
    request.resume().on("end", () => handle(request, response))
  }).listen(0, "127.0.0.1")
  await once(server, "listening")
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const answering = (status: number, body: string) =>
  serving((_, response) => {
    response.writeHead(status, { "content-type": "application/x-amz-json-1.1", "x-amzn-requestid": "r-1" }).end(body)
  })

const withoutAws = () => {
  onTestFinished(() => {
    vi.unstubAllEnvs()
  })
  for (const name of Object.keys(process.env)) if (name.startsWith("AWS_")) vi.stubEnv(name, undefined)
  vi.stubEnv("AWS_CONFIG_FILE", "/dev/null")
  vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
  vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true")
}

describe("an error by its name, status and code", () => {
  const table: ReadonlyArray<readonly [Given, Verdict]> = [
    [{ name: "ThrottlingException", status: 400 }, throttle],
    [{ name: "ThrottlingException", status: 429 }, throttle],
    [{ name: "ThrottlingException", status: 503 }, throttle],
    [{ name: "Throttling", status: 400 }, throttle],
    [{ name: "TooManyRequestsException", status: 429 }, throttle],
    [{ name: "RequestLimitExceeded", status: 503 }, throttle],
    [{ name: "LimitExceededException", status: 400 }, throttle],
    [{ name: "SlowDown", status: 503 }, throttle],
    [{ name: "ProvisionedThroughputExceededException", status: 400 }, throttle],
    [{ name: "RequestInTheFuture", status: 400 }, auth],
    [{ message: "Resolved credential object is not valid" }, auth],
    [{ name: "RequestTimeout", status: 400 }, unanswered],
    [{ name: "RequestAbortedException", status: 400 }, unanswered],
    [{ name: "Unknown", status: 429 }, throttle],
    [{ name: "ResourceNotFoundException", status: 400 }, missing],
    [{ name: "ResourceNotFoundException", status: 404 }, missing],
    [{ name: "OperationAbortedException", status: 400 }, unsent],
    [{ name: "AccessDeniedException", status: 400 }, auth],
    [{ name: "ExpiredTokenException", status: 400 }, auth],
    [{ name: "ExpiredToken", status: 403 }, auth],
    [{ name: "UnrecognizedClientException", status: 400 }, auth],
    [{ name: "InvalidClientTokenId", status: 403 }, auth],
    [{ name: "InvalidSignatureException", status: 403 }, auth],
    [{ name: "SignatureDoesNotMatch", status: 403 }, auth],
    [{ name: "RequestExpired", status: 400 }, auth],
    [{ name: "RequestTimeTooSkewed", status: 403 }, auth],
    [{ name: "OptInRequired", status: 400 }, auth],
    [{ name: "CredentialsProviderError" }, auth],
    [{ name: "TokenProviderError" }, auth],
    [{ name: "RegionUnknown" }, auth],
    [{ message: "Region is missing" }, auth],
    [{ name: "Unknown", status: 401 }, auth],
    [{ name: "Unknown", status: 403 }, auth],
    [{ name: "InternalFailure", status: 500 }, unanswered],
    [{ name: "Unknown", status: 502 }, unanswered],
    [{ name: "ServiceUnavailableException", status: 503 }, unanswered],
    [{ name: "Unknown", status: 504 }, unanswered],
    [{ name: "RequestTimeoutException", status: 408 }, unanswered],
    [{ name: "InvalidParameterException", status: 400 }, invalid],
    [{ name: "ValidationException", status: 400 }, invalid],
    [{ name: "SerializationException", status: 400 }, invalid],
    [{ name: "Unknown", status: 404 }, invalid],
    [{ name: "Unknown", status: 413 }, invalid],
    [{ code: "ECONNREFUSED" }, unsent],
    [{ code: "ENOTFOUND" }, unsent],
    [{ code: "EAI_AGAIN" }, unsent],
    [{ code: "EHOSTUNREACH" }, unsent],
    [{ code: "ENETUNREACH" }, unsent],
    [{ code: "EMFILE" }, unsent],
    [{ name: "TimeoutError", code: "ECONNREFUSED" }, unsent],
    [{ code: "ECONNRESET" }, unanswered],
    [{ name: "TimeoutError", code: "ECONNRESET" }, unanswered],
    [{ code: "EPIPE" }, unanswered],
    [{ name: "TimeoutError", code: "ETIMEDOUT" }, unanswered],
    [{ name: "TimeoutError" }, unanswered],
    [{ name: "AbortError" }, unanswered],
    [{ code: "ECONNRESET", status: 200 }, unanswered],
    [{ name: "Unknown", status: 301 }, unanswered],
    [{}, unanswered]
  ]
  for (const [given, expected] of table) {
    it(`is ${expected[0]}${expected[1] ? ", maybe carried out" : ""} for ${JSON.stringify(given)}`, () => {
      assert.deepStrictEqual(verdict(errorOf(given)), expected)
    })
  }

  it("may have its name in its code", () => {
    assert.deepStrictEqual(verdict({ code: "ThrottlingException" }), throttle)
    assert.deepStrictEqual(verdict(errorOf({ code: "ResourceNotFoundException" })), missing)
  })

  it("is the request's own fault where it could not be written", () => {
    assert.deepStrictEqual(verdict(new TypeError("Invalid character in header content")), invalid)
    assert.deepStrictEqual(verdict(new RangeError("Invalid time value")), invalid)
  })

  it("is unsent when every address of a host refused", () => {
    const all = Object.assign(new AggregateError([new Error("::1"), new Error("127.0.0.1")]), { code: "ECONNREFUSED" })
    assert.deepStrictEqual(verdict(all), unsent)
    assert.strictEqual(classify(all).message, "AggregateError: ECONNREFUSED")
  })

  it("says what it is called, once, and keeps the cause", () => {
    const cause = errorOf({ name: "ThrottlingException", status: 400, message: "Rate exceeded" })
    const error = classify(cause)
    assert.instanceOf(error, DeliveryError)
    assert.strictEqual(error.message, "ThrottlingException: Rate exceeded")
    assert.strictEqual(error.cause, cause)
    const messageOf = (given: Given) => classify(errorOf(given)).message
    assert.strictEqual(messageOf({ name: "Slow", message: "Slow: down" }), "Slow: down")
    assert.strictEqual(messageOf({ code: "EPIPE", message: "write EPIPE" }), "EPIPE: write EPIPE")
    assert.strictEqual(messageOf({ code: "EPIPE", message: "" }), "EPIPE")
    assert.strictEqual(messageOf({ message: "Region is missing" }), "Error: Region is missing")
  })
})

describe("what the SDK throws", () => {
  it("is unsent when nobody listens", async () => {
    const endpoint = `http://127.0.0.1:${await freePort()}`
    assert.deepStrictEqual(verdict(await thrown({ endpoint })), unsent)
    assert.deepStrictEqual(verdict(await thrown({ endpoint: endpoint.replace("127.0.0.1", "localhost") })), unsent)
  })

  it("is unsent when the host has no address", async () => {
    const error = await thrown({ endpoint: "http://nowhere.invalid" })
    assert.deepStrictEqual(verdict(error), unsent)
    assert.match(classify(error).message, /nowhere\.invalid/)
  })

  it("is unsent when no connection was made in time", async () => {
    // A look-up that never ends is a connection that never begins.
    const httpAgent = new Agent({ lookup: () => {} })
    const error = await thrown({ endpoint: "http://nowhere.invalid", requestHandler: { ...refusing, httpAgent } })
    assert.match(String(error), /did not establish a connection/)
    assert.deepStrictEqual(verdict(error), unsent)
  })

  it("may be carried out when the connection broke after the request", async () => {
    const error = await thrown({ endpoint: await serving(({ socket }) => socket.destroy()) })
    assert.propertyVal(error, "code", "ECONNRESET")
    assert.deepStrictEqual(verdict(error), unanswered)
  })

  it("may be carried out when the connection broke in the answer", async () => {
    const endpoint = await serving(({ socket }, response) => {
      response.writeHead(200, { "content-length": "100" })
      response.write("{", () => socket.destroy())
    })
    assert.deepStrictEqual(verdict(await thrown({ endpoint })), unanswered)
  })

  it("may be carried out when nobody answers", async () => {
    const error = await thrown({ endpoint: await serving(() => {}) })
    assert.propertyVal(error, "name", "TimeoutError")
    assert.deepStrictEqual(verdict(error), unanswered)
  })

  it("may be carried out when it was aborted under way", async () => {
    const controller = new AbortController()
    const endpoint = await serving(() => controller.abort())
    const error = await thrown({ endpoint, requestHandler: {} }, controller.signal)
    assert.propertyVal(error, "name", "AbortError")
    assert.deepStrictEqual(verdict(error), unanswered)
  })

  const answers: ReadonlyArray<readonly [status: number, name: string, Verdict]> = [
    [500, "InternalFailure", unanswered],
    [503, "ServiceUnavailableException", unanswered],
    [400, "ThrottlingException", throttle],
    [400, "ResourceNotFoundException", missing],
    [400, "ExpiredTokenException", auth],
    [400, "UnrecognizedClientException", auth],
    [400, "AccessDeniedException", auth],
    [403, "InvalidSignatureException", auth],
    [413, "RequestEntityTooLargeException", invalid],
    [400, "InvalidParameterException", invalid],
    [400, "OperationAbortedException", unsent]
  ]
  for (const [status, name, expected] of answers) {
    it(`is ${expected[0]} after ${status} ${name}`, async () => {
      const body = JSON.stringify({ __type: `com.amazonaws.logs#${name}`, message: "told so" })
      const error = await thrown({ endpoint: await answering(status, body) })
      assert.deepStrictEqual(verdict(error), expected)
      assert.strictEqual(classify(error).message, `${name}: told so`)
    })
  }

  it("is classified by its status when no service but something between answered", async () => {
    for (
      const [status, expected] of [
        [200, unanswered],
        [400, invalid],
        [403, auth],
        [413, invalid],
        [429, throttle],
        [502, unanswered],
        [503, unanswered]
      ] as const
    ) {
      const error = await thrown({ endpoint: await answering(status, "<html>nginx</html>") })
      assert.deepStrictEqual(verdict(error), expected, String(status))
    }
  })

  it("is auth without a Region", async () => {
    withoutAws()
    const client = new CloudWatchLogsClient({})
    onTestFinished(() => client.destroy())
    const error = await client.config.region().then(() => undefined, (error: unknown) => error)
    assert.deepStrictEqual(verdict(error), auth)
    const absent = () => Promise.reject(error)
    assert.deepStrictEqual(verdict(await thrown({ region: absent })), auth)
  })

  it("is auth without credentials", async () => {
    withoutAws()
    const client = new CloudWatchLogsClient({ region: "eu-west-1" })
    onTestFinished(() => client.destroy())
    const error = await client.config.credentials().then(() => undefined, (error: unknown) => error)
    assert.propertyVal(error, "name", "CredentialsProviderError")
    assert.deepStrictEqual(verdict(error), auth)
    assert.deepStrictEqual(verdict(await thrown({ credentials: () => Promise.reject(error) })), auth)
  })
})

describe("what node throws", () => {
  it("is unsent when a connection is refused", async () => {
    const [error] = await once(connect(await freePort(), "127.0.0.1").unref(), "error").catch((error) => [error])
    assert.deepStrictEqual(verdict(error), unsent)
  })

  it("is unsent when a name has no address", async () => {
    const [error] = await once(connect(80, "nowhere.invalid").unref(), "error").catch((error) => [error])
    assert.deepStrictEqual(verdict(error), unsent)
  })
})

const throwing = (): never => {
  throw new Error("thrown by the cause")
}

const revokedProxy = () => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

const scalar = Arbitrary.schema(
  Schema.Union([Schema.String, Schema.Number, Schema.Boolean, Schema.Null, Schema.Undefined, Schema.BigInt])
)

describe("whatever is thrown", () => {
  it("is an error that may have been carried out", () => {
    for (
      const cause of [
        null,
        undefined,
        "text",
        "",
        42,
        10n,
        Symbol("s"),
        true,
        () => {},
        [],
        {},
        { name: 1, code: 2, message: 3, $metadata: null },
        { name: Symbol("n"), code: Symbol("c"), message: Symbol("m"), $metadata: "200" },
        { name: "", message: "" },
        { $metadata: { httpStatusCode: undefined } },
        Object.create(null, { code: { value: "ECONNRESET" } })
      ]
    ) {
      const error = classify(cause)
      assert.deepStrictEqual([error.kind, error.ambiguous], unanswered)
      assert.isString(error.message)
      assert.strictEqual(error.cause, cause)
    }
  })

  it("is that also when it cannot be read", () => {
    for (
      const cause of [
        Object.create(null),
        { code: Object.create(null) },
        { code: { toString: "no" } },
        { toString: throwing },
        {
          get name() {
            return throwing()
          }
        },
        {
          get $metadata() {
            return throwing()
          }
        },
        {
          $metadata: {
            get httpStatusCode() {
              return throwing()
            }
          }
        },
        new Proxy({}, { get: throwing }),
        new Proxy({}, { getPrototypeOf: throwing }),
        revokedProxy()
      ]
    ) {
      assert.deepStrictEqual(verdict(cause), unanswered)
    }
  })

  it.effect(`is an error with a message and that cause (seed ${seed})`, () =>
    Effect.gen(function*() {
      const result = yield* Arbitrary.checkEffect(
        Arbitrary.all([scalar, scalar, scalar, scalar]),
        ([name, code, message, httpStatusCode]) => {
          const cause = { name, code, message, $metadata: { httpStatusCode } }
          for (const thrown of [cause, Object.assign(new Error("told so"), cause), name, [name]]) {
            const error = classify(thrown)
            assert.isString(error.message)
            assert.isTrue(Object.is(error.cause, thrown))
          }
          return true
        },
        { seed, runs: 1000 }
      )
      assert.isUndefined(Arbitrary.formatCheckFailure(result))
    }))
})
