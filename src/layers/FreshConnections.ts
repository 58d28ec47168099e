import type { Server } from "node:http"
import type { Socket } from "node:net"

/**
 * Watches the connections of a server, and gives what keeps those that have sent nothing yet from being ended by what it
 * runs.
 *
 * **Details**
 *
 * A server that closes ends the connections that wait. From 26 on Node counts among them those that were just opened: what
 * a client sends on one is answered with a reset, though the server took the connection. Node 24 lets them ask.
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
  const open = new Set<Socket>()
  function forget(this: Socket) {
    open.delete(this)
  }
  server.on("connection", (socket: Socket) => {
    open.add(socket)
    socket.on("close", forget)
  })
  return (run) => {
    const spared = [...open].filter(({ bytesRead }) => bytesRead === 0)
    for (const socket of spared) socket.destroy = unchanged
    try {
      run()
    } finally {
      for (const socket of spared) Reflect.deleteProperty(socket, "destroy")
    }
  }
}

function unchanged<Self>(this: Self): Self {
  return this
}
