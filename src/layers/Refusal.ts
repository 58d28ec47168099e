import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { ServerResponse } from "node:http"
import type { ErrorBody } from "./HttpErrors.ts"

/**
 * What a listener answers where no handler is asked: a status, a body like every other error's, headers.
 *
 * @category models
 * @since 1.1.0
 */
export interface Refusal {
  readonly status: number
  readonly text: string
  readonly headers: Readonly<Record<string, string>>
}

/**
 * Makes a refusal; unless other headers are given, the connection closes after it.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = (
  status: number,
  body: ErrorBody,
  headers: Readonly<Record<string, string>> = { connection: "close" }
): Refusal => ({ status, text: JSON.stringify(body), headers })

/**
 * A body above the limit, in bytes.
 *
 * @category constructors
 * @since 1.1.0
 */
export const bodyTooLarge = (limit: number): Refusal =>
  make(413, { _tag: "BodyTooLarge", message: `The request body is larger than the ${limit} bytes taken here` })

/**
 * More requests under way than the limit; the client may try again in a second.
 *
 * @category constructors
 * @since 1.1.0
 */
export const overloaded = (limit: number): Refusal =>
  make(
    503,
    { _tag: "Overloaded", message: `${limit} requests are under way, which is the most here; try again` },
    { "retry-after": "1" }
  )

/**
 * What is no request, or one that two readers could read as two.
 *
 * @category constructors
 * @since 1.1.0
 */
export const badRequest = (why: string): Refusal =>
  make(400, { _tag: "BadRequest", message: `The request is not valid HTTP: ${why}` })

/**
 * An `Expect` that is not `100-continue`.
 *
 * @category constructors
 * @since 1.1.0
 */
export const expectation: Refusal = make(417, {
  _tag: "ExpectationFailed",
  message: "Nothing but 100-continue can be expected"
})

/**
 * What to answer when the parser gave up: too slow, headers too large, or no HTTP.
 *
 * @category constructors
 * @since 1.1.0
 */
export const ofParser = ({ code = "", message }: NodeJS.ErrnoException): Refusal => {
  switch (code) {
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return make(408, { _tag: "RequestTimeout", message: "The request took too long to arrive" })
    case "HPE_HEADER_OVERFLOW":
      return make(431, { _tag: "HeadersTooLarge", message: "The request line and headers are larger than 16 KiB" })
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return make(413, { _tag: "BodyTooLarge", message: "The chunk extensions are larger than 16 KiB" })
    default:
      return badRequest(`${message.replace(/^Parse Error:?\s*/, "") || "it cannot be parsed"} (${code})`)
  }
}

/**
 * The refusal as a handler's answer.
 *
 * @category conversions
 * @since 1.1.0
 */
export const respond = ({ headers, status, text }: Refusal): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  Exit.succeed(HttpServerResponse.text(text, { status, contentType: "application/json", headers }))

/**
 * Answers a response whose headers were not sent.
 *
 * @category conversions
 * @since 1.1.0
 */
export const write = (response: ServerResponse, { headers, status, text }: Refusal): void => {
  response.writeHead(status, {
    ...headers,
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text)
  })
  response.end(text)
}

/**
 * Answers a request whose body is still expected, and lets go of who reads it once the connection is closed.
 *
 * @category conversions
 * @since 1.1.0
 */
export const cut = (response: ServerResponse, refusal: Refusal): void => {
  write(response, refusal)
  const { req } = response
  // Node forgets a request that was answered: its reader would wait for ever.
  req.socket.once("close", () => req.destroy())
}

/**
 * A transfer coding that is not `chunked` alone.
 *
 * @category constructors
 * @since 1.1.0
 */
export const coding: Refusal = make(501, {
  _tag: "NotImplemented",
  message: "The one Transfer-Encoding taken here is chunked"
})

/**
 * A version that is not 1.0 or 1.1.
 *
 * @category constructors
 * @since 1.1.0
 */
export const version: Refusal = make(505, {
  _tag: "HttpVersionNotSupported",
  message: "The versions taken here are HTTP/1.1 and HTTP/1.0"
})
