import type * as Context from "effect/Context"
import { type IncomingMessage, ServerResponse } from "node:http"
import type { RequestLines } from "../services/DebugLines.ts"
import type { TraceContext } from "../services/TraceContext.ts"
import type { Load } from "./Gate.ts"
import * as Stopwatch from "./Stopwatch.ts"

/**
 * What the access log and the request metrics know about a route before any request: made once per operation.
 *
 * @category models
 * @since 1.1.0
 */
export interface ObservedOperation {
  /** What spans of its requests are annotated with: their `Operation`. */
  readonly annotations: Context.Context<never>
  readonly started: () => void
  readonly finished: (response: ObservedResponse, seconds: number) => void
}

/**
 * A `ServerResponse` that knows its operation, its trace and how long it took.
 *
 * @category models
 * @since 1.1.0
 */
export interface ObservedResponse extends ServerResponse<IncomingMessage> {
  /** The trace the request belongs to, once it is known. */
  trace: TraceContext | undefined
  /** The effect that answers a request which was begun without a fiber. */
  begun: unknown
  /** The route of a request that was begun without a fiber. */
  found: unknown
  /** The request's lines below the log level, where they are kept. */
  debugLines: RequestLines | undefined
  readonly operation: ObservedOperation | undefined
  observe(operation: ObservedOperation): void
}

type WithOptions = new(request: IncomingMessage, options?: unknown) => ServerResponse<IncomingMessage>

// With both parameters that Node gives it: passing on `...settings` makes an array for each response.
const Response = ServerResponse as typeof ServerResponse<IncomingMessage> & WithOptions

/**
 * Makes the response class of one listener, to be given to `http.createServer({ ServerResponse })`.
 *
 * **Details**
 *
 * `close` is emitted once for each response, whether it was finished or the client left; hooking it there costs no
 * listener. While `draining` holds, answers carry `Connection: close` and so move keep-alive clients elsewhere. `load`
 * counts what is under way.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = (options: {
  readonly draining: () => boolean
  readonly unmatched: ObservedOperation
  readonly load: Load
}): typeof ServerResponse<IncomingMessage> & (new(request: IncomingMessage) => ObservedResponse) => {
  class Observed extends Response implements ObservedResponse {
    declare trace: TraceContext | undefined
    declare begun: unknown
    declare found: unknown
    declare debugLines: RequestLines | undefined
    declare readonly startedAt: number
    declare operation: ObservedOperation | undefined

    // Assigned here, not as field initialisers, which older V8s run an order of magnitude slower in a derived class.
    constructor(request: IncomingMessage, options?: unknown) {
      super(request, options)
      this.trace = undefined
      this.begun = undefined
      this.found = undefined
      this.debugLines = undefined
      this.startedAt = Stopwatch.now()
      this.operation = undefined
    }

    observe(operation: ObservedOperation): void {
      if (this.operation !== undefined) return
      this.operation = operation
      options.load.active++
      operation.started()
    }

    // Every answer's headers are written here: one begun before the drain still tells its client to go.
    override writeHead(): this {
      if (options.draining()) this.shouldKeepAlive = false
      return super.writeHead.apply(this, arguments as unknown as Parameters<ServerResponse["writeHead"]>)
    }

    // Effect asks for Node's own length check, which costs a second write per answer: the length of a body that is given
    // whole comes from its bytes.
    override end(): this {
      const whole: unknown = arguments[0]
      if (whole !== undefined && typeof whole !== "function") this.strictContentLength = false
      return super.end.apply(this, arguments as unknown as Parameters<ServerResponse["end"]>)
    }

    // `apply` with `arguments` costs nothing; rest parameters would make an array for each of a response's events.
    override emit(event: string | symbol): boolean {
      if (event === "close") {
        this.observe(options.unmatched)
        options.load.active--
        this.operation?.finished(this as ObservedResponse, (Stopwatch.now() - this.startedAt) / 1000)
      }
      return super.emit.apply(this, arguments as unknown as Parameters<ServerResponse["emit"]>)
    }
  }
  return Observed
}

/**
 * Whether `response` belongs to a listener made by {@link make}.
 *
 * @category guards
 * @since 1.1.0
 */
export const isObserved = (response: unknown): response is ObservedResponse =>
  response instanceof ServerResponse && "observe" in response
