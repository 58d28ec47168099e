import type { IncomingMessage } from "node:http"
import type { ObservedResponse } from "./ObservedResponse.ts"
import * as Refusal from "./Refusal.ts"

/**
 * What a listener takes.
 *
 * @category models
 * @since 1.1.0
 */
export interface Limits {
  /** Bytes of one request body. */
  readonly maxBody: number
  /** Requests under way at a time. */
  readonly maxInFlight: number
  /** Paths that are answered however many requests are under way. */
  readonly exempt: ReadonlySet<string>
  /** What else is refused before anything is looked up. */
  readonly guard?: ((request: IncomingMessage) => Refusal.Refusal | undefined) | undefined
}

/**
 * How many requests a listener has under way.
 *
 * @category models
 * @since 1.1.0
 */
export interface Load {
  active: number
}

/**
 * Looks at each request of a listener before its router does.
 *
 * @category models
 * @since 1.1.0
 */
export interface Gate {
  /** What the request is refused with; else whether its body is as long as it says, or of a length unknown. */
  readonly admit: (request: IncomingMessage) => Refusal.Refusal | "sized" | "unsized"
  /** Cuts a body of unknown length at the limit, while it is read. */
  readonly limitBody: (request: IncomingMessage, response: ObservedResponse) => void
}

/**
 * Makes the gate of a listener. Admitting a request costs a comparison of two numbers and a walk over its header names.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = ({ exempt, guard, maxBody, maxInFlight }: Limits, load: Load): Gate => {
  const tooLarge = Refusal.bodyTooLarge(maxBody)
  const overloaded = Refusal.overloaded(maxInFlight)

  const cut = (request: IncomingMessage, response: ObservedResponse): void => {
    if (response.headersSent) request.socket.destroy()
    else Refusal.cut(response, tooLarge)
  }

  return {
    admit: (request) => {
      const refused = guard?.(request)
      if (refused !== undefined) return refused
      const { httpVersionMajor, httpVersionMinor, rawHeaders } = request
      if (httpVersionMajor !== 1) return Refusal.version
      let hosts = 0
      let length: string | undefined
      let coded = false
      for (let index = 0; index < rawHeaders.length; index += 2) {
        const name = rawHeaders[index] ?? ""
        if (name.length === 4) {
          if (name.toLowerCase() === "host") hosts++
        } else if (name.length === 14) {
          if (name.toLowerCase() === "content-length") length ??= rawHeaders[index + 1]
        } else if (name.length === 17) {
          if (name.toLowerCase() === "transfer-encoding") coded = true
        }
      }
      // RFC 9112: what a proxy in front and this server could read differently, beside what the parser refuses.
      if (hosts !== 1 && (hosts > 1 || httpVersionMinor > 0)) return hosts === 0 ? noHost : manyHosts
      if (coded) {
        if (httpVersionMinor === 0) return oldChunks
        // Node's own view of the headers joins those of one name.
        if (request.headers["transfer-encoding"]?.toLowerCase() !== "chunked") return Refusal.coding
      }
      if (length !== undefined && Number(length) > maxBody) return tooLarge
      if (load.active >= maxInFlight && !exempt.has(pathOf(request))) return overloaded
      return coded ? "unsized" : "sized"
    },
    limitBody: (request, response) => {
      const push = request.push.bind(request)
      let size = 0
      // Every way to read a body is fed by `push`; a listener for its data would begin to read it.
      request.push = (chunk: Buffer | null) => {
        const before = size
        size += chunk?.length ?? 0
        if (size <= maxBody) return push(chunk)
        if (before <= maxBody) cut(request, response)
        return false
      }
    }
  }
}

const noHost = Refusal.badRequest("it has no Host")
const oldChunks = Refusal.badRequest("HTTP/1.0 has no Transfer-Encoding")
const manyHosts = Refusal.badRequest("it has more than one Host")

const pathOf = ({ url = "" }: IncomingMessage): string => {
  const end = url.indexOf("?")
  return end === -1 ? url : url.slice(0, end)
}
