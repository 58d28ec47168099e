import { IncomingMessage, type Server } from "node:http"
import type { Socket } from "node:net"
import type * as ObservedResponse from "./ObservedResponse.ts"
import * as Refusal from "./Refusal.ts"

// How long a client may take to read why it was refused, while it may still be sending.
const grace = 500

/**
 * Answers what the parser of `server` refuses (too slow, too large, no HTTP) as other errors are answered, once for a
 * connection, and closes it. It is logged and counted as `refused`.
 *
 * **Details**
 *
 * A request under way that is itself at fault gets the answer. One that had arrived in full keeps its own, and what
 * followed it gets none: nobody can say where a next request would begin. One that was answered before it had arrived in
 * full gets no second answer: a client would take it for that of its next request.
 *
 * @category constructors
 * @since 1.1.0
 */
export const answer = (
  server: Server,
  options: {
    readonly response: new(request: IncomingMessage) => ObservedResponse.ObservedResponse
    readonly refused: ObservedResponse.ObservedOperation
  }
): void => {
  const closing = new WeakSet<Socket>()
  const linger = (socket: Socket) => {
    socket.end()
    const timer = setTimeout(() => socket.destroy(), grace)
    socket.once("close", () => clearTimeout(timer))
  }

  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket & UnderWay) => {
    if (closing.has(socket)) return
    closing.add(socket)
    const unasked = error.code === "ERR_HTTP_REQUEST_TIMEOUT" && socket.bytesRead === 0
    if (error.code === "ECONNRESET" || !socket.writable || unasked) return void socket.destroy()
    const underWay = socket._httpMessage ?? undefined
    if (underWay === undefined) {
      if (socket.parser?.incoming?.complete === false) return linger(socket)
      const request = Object.assign(new IncomingMessage(socket), { method: "-", url: "-" })
      const response = new options.response(request)
      response.observe(options.refused)
      response.assignSocket(socket)
      response.once("finish", () => linger(socket))
      return Refusal.write(response, Refusal.ofParser(error))
    }
    if (underWay.req.complete) {
      if (!underWay.headersSent) underWay.shouldKeepAlive = false
      return void underWay.once("finish", () => linger(socket))
    }
    if (underWay.headersSent) return void socket.destroy()
    Refusal.cut(underWay, Refusal.ofParser(error))
  })
}

/** What Node itself asks before it answers a parser's error. */
interface UnderWay {
  readonly parser?: { readonly incoming: IncomingMessage | null } | null
  readonly _httpMessage?: ObservedResponse.ObservedResponse | null
}
