import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import { once } from "node:events"
import { createReadStream } from "node:fs"
import { Readable, type Writable } from "node:stream"
import * as ExitCode from "../services/ExitCode.ts"
import { isUrl, quoted } from "../services/HealthProbe.ts"
import type { OperationInputError } from "../services/OperationRequest.ts"
import type { OperationCall } from "./OperationCommand.ts"

/**
 * An operation that was not answered with success. What it said is on standard error; the exit code is the status's.
 *
 * @category errors
 * @since 1.1.0
 */
export class OperationFailed extends Schema.TaggedError<OperationFailed>()("OperationFailed", {
  message: Schema.String,
  exitCode: Schema.Int
}) {
  override readonly [Runtime.errorExitCode]: number = this.exitCode
  override readonly [Runtime.errorReported]: boolean = false
}

/**
 * Where the answers of operations go.
 *
 * @category models
 * @since 1.1.0
 */
export interface Output {
  readonly stdout: Writable & { readonly isTTY?: boolean }
  readonly stderr: Writable
}

/**
 * Sends a web request somewhere: through the router of this process, or to a running service.
 *
 * @category models
 * @since 1.1.0
 */
export type Transport = (request: Request) => Promise<Response>

/**
 * Makes the way a call takes: request, answer to standard output as its exact bytes, failure to standard error.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = <E, R>(options: {
  readonly inProcess: Effect.Effect<Transport, E, R>
  readonly output: Output
  readonly stdin: Readable
}): {
  readonly call: (call: OperationCall) => Effect.Effect<void, OperationFailed | E, R>
  readonly refuse: (error: OperationInputError, json: boolean) => Effect.Effect<never, OperationFailed | E, R>
} => {
  const said = <A, E2>(effect: Effect.Effect<A, OperationFailed | E2, R>) =>
    Effect.tapError(effect, (error) =>
      error instanceof OperationFailed
        ? Effect.promise(() => write(options.output.stderr, `${error.message}\n`))
        : Effect.void)

  const call = Effect.fnUntraced(function*(call: OperationCall) {
    const { stdout } = options.output
    const transport: Transport = call.target === undefined ? yield* options.inProcess : fetch
    const response = yield* Effect.tryPromise({
      try: (signal) => send(transport, call, options.stdin, signal),
      catch: (cause) =>
        cause instanceof OperationFailed
          ? cause
          : call.target === undefined
          ? new OperationFailed({ message: `The operation broke off: ${reasonOf(cause)}`, exitCode: 1 })
          : new OperationFailed({
            message: `${call.target} gave no answer: ${reasonOf(cause)}; is the service running there?`,
            exitCode: ExitCode.unavailable
          })
    })
    if (response.status >= 300) {
      const location = response.status < 400 ? response.headers.get("location") : null
      const body = location === null
        ? yield* textOf(response)
        : `it leads to ${location}, and is not followed`
      return yield* new OperationFailed({
        message: refusal(response.status, body, call.json),
        exitCode: ExitCode.fromStatus(response.status)
      })
    }
    const pretty = stdout.isTTY === true && !call.json && isJson(response)
    yield* pretty ? print(response, stdout) : copy(response, stdout)
  }, said)

  const refuse = (error: OperationInputError, json: boolean) => {
    const body = { _tag: "HttpApiSchemaError", kind: "Flags", message: error.message }
    return said(Effect.fail(
      new OperationFailed({
        message: refusal(400, JSON.stringify(body), json),
        exitCode: ExitCode.usageError
      })
    ))
  }

  return { call, refuse }
}

const send = async (transport: Transport, call: OperationCall, stdin: Readable, signal: AbortSignal) => {
  const { input, request, target = "http://localhost" } = call
  if (!isUrl(target)) throw refused(`--target: expected the URL of a service, got ${quoted(target)}`)
  const body = input === undefined
    ? request.body
    : Readable.toWeb(input === "-" ? stdin : await opened(input)) as ReadableStream<Uint8Array>
  const init: RequestInit & { readonly duplex?: "half" } = {
    method: request.method,
    headers: request.headers.map(([name, value]): [string, string] => [name, value]),
    redirect: "manual",
    signal,
    ...(body === undefined ? {} : { body, duplex: "half" })
  }
  return transport(new Request(`${target.replace(/\/$/, "")}${request.target}`, init))
}

const refused = (message: string) => new OperationFailed({ message, exitCode: ExitCode.usageError })

const opened = async (path: string): Promise<Readable> => {
  const file = createReadStream(path)
  try {
    // A directory opens, and cannot be read.
    await once(file, "readable")
    return file
  } catch (cause) {
    throw refused(`--input: ${reasonOf(cause)}`)
  }
}

const broken = (cause: unknown) =>
  new OperationFailed({ message: `The answer broke off: ${reasonOf(cause)}`, exitCode: 1 })

const textOf = (response: Response) => Effect.tryPromise({ try: () => response.text(), catch: broken })

const copy = (response: Response, stdout: Writable) =>
  Effect.gen(function*() {
    if (response.body === null) return
    const streamed = new FailureFinder()
    const reader = response.body.getReader()
    yield* Effect.tryPromise({
      try: async () => {
        for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
          streamed.look(chunk.value)
          if (!await write(stdout, chunk.value)) return reader.cancel()
        }
      },
      catch: broken
    }).pipe(Effect.onInterrupt(() => Effect.promise(() => reader.cancel())))
    if (streamed.failed) return yield* new OperationFailed({ message: "The stream ended with an error", exitCode: 1 })
  })

const print = (response: Response, stdout: Writable) =>
  Effect.flatMap(textOf(response), (text) =>
    Effect.promise(() => {
      const value = Option.liftThrowable(JSON.parse)(text)
      return write(stdout, Option.isSome(value) ? `${JSON.stringify(value.value, null, 2)}\n` : text)
    }))

const isJson = (response: Response) => /[/+]json\b/.test(response.headers.get("content-type") ?? "")

const refusal = (status: number, body: string, json: boolean): string => {
  const parsed = parseObject(body)
  if (json) return JSON.stringify({ _tag: "HttpError", status, ...parsed })
  const { _tag, message, ...fields } = parsed
  const details = message ?? (Object.keys(fields).length === 0 ? "" : JSON.stringify(fields))
  return `${String(_tag ?? "HttpError")}${details === "" ? "" : `: ${String(details)}`} (HTTP ${status})`
}

/**
 * The fields of a body that is a JSON object; any other is its own `message`.
 *
 * @category parsing
 * @since 1.1.0
 */
export const parseObject = (body: string): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === "object" && value !== null ? value as Record<string, unknown> : { message: body }
  } catch {
    return body === "" ? {} : { message: body }
  }
}

// A server-sent stream that fails after its 200 says so in an event of this name; it may be cut by a chunk's end.
const marker = "event: effect/http-api/stream/failure"

class FailureFinder {
  failed = false
  #tail = ""
  readonly #decoder = new TextDecoder()
  look(chunk: Uint8Array): void {
    const text = this.#tail + this.#decoder.decode(chunk, { stream: true })
    this.failed ||= text.startsWith(marker) || text.includes(`\n${marker}`)
    this.#tail = text.slice(-marker.length - 1)
  }
}

/**
 * Why something broke, shortly: of a failed `fetch` what the network said.
 *
 * @category rendering
 * @since 1.1.0
 */
export const reasonOf = (cause: unknown): string => {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause
  return inner instanceof Error ? inner.message || inner.name : String(inner)
}

/**
 * Whether a write failed because nobody reads any more.
 *
 * @category predicates
 * @since 1.1.0
 */
export const isClosed = (error: NodeJS.ErrnoException | null | undefined): boolean => error?.code === "EPIPE"

/**
 * Writes to a stream and waits until it has taken the data; false where nobody reads any more, as in `… | head`. Another
 * error is for who listens to the stream's: it ends the process.
 *
 * @category writing
 * @since 1.1.0
 */
export const write = (stream: Writable, data: string | Uint8Array): Promise<boolean> =>
  new Promise((resolve) => {
    stream.write(data, (error) => {
      if (!error || isClosed(error)) resolve(!error)
    })
  })
