import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Scope from "effect/Scope"
import { IncomingMessage, ServerResponse } from "node:http"
import { Socket } from "node:net"

/**
 * Stands for a request until something of it is read, and is that request from then on.
 *
 * **Details**
 *
 * Most handlers never look at the raw request. `resolve` says which one it is where it was made anyhow, so that a body is
 * read once. Otherwise the request has the text that was taken of its body, and can be read after its answer too.
 *
 * @category models
 * @since 1.1.0
 */
export interface EarlyRequest extends HttpServerRequest.HttpServerRequest {
  resolve(request: HttpServerRequest.HttpServerRequest): void
}

class Early {
  // Fields are defined; an assignment would look for them in the proxy first, which takes seven times as long.
  real: HttpServerRequest.HttpServerRequest | undefined = undefined
  readonly source: IncomingMessage
  readonly response: ServerResponse
  readonly body: string | undefined

  constructor(source: IncomingMessage, response: ServerResponse, body: string | undefined) {
    this.source = source
    this.response = response
    this.body = body
  }

  resolve(request: HttpServerRequest.HttpServerRequest): void {
    this.real = request
  }
}

// Behind the prototype, what looks for other members is made once for all: a proxy, or a getter, for each request costs
// more than the rest of its input.
Object.setPrototypeOf(
  Early.prototype,
  new Proxy({}, {
    get: (_, key, early: Early): unknown => {
      const real = early.real ??= new (first().constructor as RequestClass)(readable(early), early.response)
      return Reflect.get(real, key, real)
    },
    has: (_, key) => Reflect.has(first(), key)
  })
)

type RequestClass = new(source: IncomingMessage, response: ServerResponse) => HttpServerRequest.HttpServerRequest

let made: HttpServerRequest.HttpServerRequest | undefined

// Effect does not export its class; of a handler that it makes one sees a request.
const first = (): HttpServerRequest.HttpServerRequest => {
  if (made === undefined) {
    const seen = Effect.map(HttpServerRequest.HttpServerRequest, (request) => {
      made = request
      return HttpServerResponse.empty()
    })
    const source = new IncomingMessage(new Socket())
    Effect.runSync(NodeHttpServer.makeHandler(seen, { scope: Scope.makeUnsafe() }))(source, new ServerResponse(source))
  }
  return made as HttpServerRequest.HttpServerRequest
}

// Nothing more comes of a request whose body was taken: its stream neither flows nor ends.
const readable = ({ body, source }: Early): IncomingMessage => {
  if (body === undefined) return source
  const { headers, httpVersion, httpVersionMajor, httpVersionMinor, method, rawHeaders, socket, url } = source
  const copy = new IncomingMessage(socket)
  Object.assign(copy, {
    httpVersion,
    httpVersionMajor,
    httpVersionMinor,
    method,
    url,
    rawHeaders,
    headers,
    complete: true
  })
  if (body !== "") copy.push(body)
  copy.push(null)
  return copy
}

/**
 * Makes what stands for one request; `body` is what was taken of it.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = (source: IncomingMessage, response: ServerResponse, body?: string): EarlyRequest =>
  new Early(source, response, body) as Partial<EarlyRequest> as EarlyRequest
