const loopbackNames = new Set(["localhost", "::1", "[::1]"])

/**
 * Whether an address or a host name is this machine's own, reachable from nowhere else.
 *
 * @category guards
 * @since 1.1.0
 */
export const isLoopback = (host: string): boolean =>
  loopbackNames.has(host) || /^(::ffff:)?127(\.\d{1,3}){3}$/.test(host)

const isAddress = (host: string): boolean => /^\d{1,3}(\.\d{1,3}){3}$/.test(host) || /^\[[\da-f:.]+\]$/.test(host)

/**
 * What the admin listener is bound to, and the names it has beside its addresses.
 *
 * @category models
 * @since 1.1.0
 */
export interface Bound {
  readonly host: string
  readonly names: ReadonlyArray<string>
}

/**
 * Whether a `Host` header names the admin listener itself.
 *
 * **Details**
 *
 * A web page reaches other machines by a name of its own that it lets resolve to them (DNS rebinding); the browser then
 * says that name. On loopback only loopback's names are right, elsewhere addresses, which cannot be rebound, and the
 * names that were given.
 *
 * @category guards
 * @since 1.1.0
 */
export const allowsHost = (header: string, { host, names }: Bound): boolean => {
  const name = header.replace(/:\d+$/, "").toLowerCase()
  if (isLoopback(name) || name === host.toLowerCase()) return true
  return !isLoopback(host) && (isAddress(name) || names.includes(name))
}

/**
 * Whether a peer may talk to the admin listener: who is on this machine, or anybody once it was bound elsewhere.
 *
 * @category guards
 * @since 1.1.0
 */
export const allowsPeer = (address: string | undefined, { host }: Bound): boolean =>
  !isLoopback(host) || (address !== undefined && isLoopback(address))

/**
 * The header, always `1`, of every request that changes something: a web page cannot send it to another site.
 *
 * @category constants
 * @since 1.1.0
 */
export const changeHeader = "x-keelson"
