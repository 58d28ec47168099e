import type { IncomingMessage } from "node:http"
import type { Socket } from "node:net"
import type { ObservedResponse } from "./ObservedResponse.ts"

// Clients that pipeline at all send a handful.
const mostWaiting = 100

const waiting = new WeakMap<Socket, number>()

type Serve = (request: IncomingMessage, response: ObservedResponse) => void

// An answer may have ended the connection: whatever still comes is not to be acted upon.
const proceed = (serve: Serve, request: IncomingMessage, response: ObservedResponse): void => {
  if (request.socket.writable) serve(request, response)
}

/**
 * Makes requests of one connection wait for each other: at most one is under way, 100 wait, and a connection that sends
 * more is cut.
 *
 * **Details**
 *
 * Node calls handlers for all of them at once: one packet of pipelined requests would fill a listener. A response has
 * its socket when it is its turn.
 *
 * @category constructors
 * @since 1.1.0
 */
export const inTurn = (
  serve: Serve
): Serve =>
(request, response) => {
  const { socket } = request
  if (response.socket !== null) return proceed(serve, request, response)
  const others = waiting.get(socket) ?? 0
  if (others >= mostWaiting) return void socket.destroy()
  waiting.set(socket, others + 1)
  response.once("socket", () => {
    waiting.set(socket, (waiting.get(socket) ?? 1) - 1)
    // Node has not done with the response when it says so.
    process.nextTick(proceed, serve, request, response)
  })
}
