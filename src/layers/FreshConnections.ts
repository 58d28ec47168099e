import type { Server } from "node:http"
import type { Socket } from "node:net"

/**
 * Watches the connections of a server, and gives what keeps those that have sent nothing yet from being ended by what it
 * runs.
 *
 * **Details**
 *
 * A server that closes ends the connections that wait. From 26 on Node counts among them those that were just opened: what
 * a client sends on one is answered with a reset, though the server took the connection. They have until the headers'
 * timeout to ask, and are closed with the answer.
 *
 * @category combinators
 * @since 1.1.0
 * @example
 * ```ts
 * const sparing = watch(server)
 * sparing(() => server.close())
 * ```
 */
export const watch = (server: Server): (run: () => void) => void => {
  const fresh = new Set<Socket>()
  let mostKept = fewest
  const sweep = () => {
    for (const socket of fresh) if (socket.destroyed || socket.bytesRead > 0) fresh.delete(socket)
    mostKept = Math.max(fewest, fresh.size * 2)
  }
  // A listener for each connection's end would be kept for each, and there may be many.
  server.on("connection", (socket: Socket) => {
    fresh.add(socket)
    if (fresh.size > mostKept) sweep()
  })
  return (run) => {
    sweep()
    const spared = [...fresh]
    for (const socket of spared) socket.destroy = unchanged
    try {
      run()
    } finally {
      for (const socket of spared) Reflect.deleteProperty(socket, "destroy")
    }
  }
}

const fewest = 16

function unchanged<Self>(this: Self): Self {
  return this
}
