import type * as HttpServerRequest from "effect/http/HttpServerRequest"

/**
 * Thrown to who reads a request that is not there yet.
 *
 * @category errors
 * @since 1.1.0
 */
export const requestNeeded: unique symbol = Symbol("keelson/layers/EarlyRequest/requestNeeded")

/**
 * Stands for a request until it is needed. Reading anything of it throws `requestNeeded` until it was resolved, and is
 * answered by the real one from then on.
 *
 * @category models
 * @since 1.1.0
 */
export interface EarlyRequest extends HttpServerRequest.HttpServerRequest {
  resolve(request: HttpServerRequest.HttpServerRequest): void
}

class Early {
  // A field is defined; an assignment would look for it in the proxy first, which takes seven times as long.
  real: HttpServerRequest.HttpServerRequest | undefined = undefined

  resolve(request: HttpServerRequest.HttpServerRequest): void {
    this.real = request
  }
}

// Behind the prototype, what looks for other members is made once for all: a proxy, or a getter, for each request costs
// more than the rest of its input.
Object.setPrototypeOf(
  Early.prototype,
  new Proxy({}, {
    get: (_, key, { real }: Early): unknown => {
      if (real === undefined) throw requestNeeded
      return Reflect.get(real, key, real)
    }
  })
)

/**
 * Makes what stands for one request.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = (): EarlyRequest => new Early() as Partial<EarlyRequest> as EarlyRequest
