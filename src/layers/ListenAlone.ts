import type { Server } from "node:http"
import { isIP } from "node:net"

/**
 * Where a server listens: on a socket that listens already, or on a port of a host, of every address without one.
 *
 * @category models
 * @since 1.1.0
 */
export type Place = { readonly fd: number } | { readonly host?: string; readonly port: number }

type Listen = (
  address: string | null,
  port: number | null,
  family: number | null,
  backlog?: number,
  fd?: number,
  flags?: number
) => void

/**
 * Listens as `server.listen` does, with the same events, as a process that shares its port with no other.
 *
 * **Details**
 *
 * Node asks its cluster module first, and loads for that child processes, datagrams and DNS, which is felt in a start. What
 * it does then is `_listen2`, a name that it keeps for those who wrap it. A process with a channel to its parent may be a
 * worker of a cluster, and a name has to be looked up: they listen as documented, and so does everybody on a Node that
 * has that name no more.
 *
 * @category constructors
 * @since 1.1.0
 * @example
 * ```ts
 * listen(server.once("listening", () => console.log(server.address())), { port: 8080 })
 * ```
 */
export const listen = (server: Server, place: Place): void => {
  const { _listen2: alone } = server as { readonly _listen2?: Listen }
  const host = "host" in place ? place.host : undefined
  const family = host === undefined ? 4 : isIP(host)
  if (alone === undefined || process.channel !== undefined || family === 0) server.listen(place)
  else if ("fd" in place) alone.call(server, null, null, null, undefined, place.fd)
  else alone.call(server, host ?? null, place.port, family, undefined, undefined, 0)
}
