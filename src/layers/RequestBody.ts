import type { IncomingMessage } from "node:http"

/**
 * Whether no part of a body was received yet, so that {@link take} can have all of it.
 *
 * @category guards
 * @since 1.1.0
 */
export const isAhead = (request: IncomingMessage): boolean => !request.complete && request.readableLength === 0

/**
 * Passes over what is still to come of a request that is answered and that nobody is going to read.
 *
 * **Details**
 *
 * The end of its stream goes through a dozen functions in several ticks, of a small request a tenth. Node from 24.12 on
 * leaves it out itself where there is no body, and then there is nothing to be done. Neither `end` nor `close` is emitted.
 *
 * @category combinators
 * @since 1.1.0
 */
export const passOver = (request: IncomingMessage): void => {
  if (request.readableEnded) return
  request.push = passed
  request.resume = unchanged
}

// False would stop the connection until somebody reads.
const passed = (): boolean => true

function unchanged<Request>(this: Request): Request {
  return this
}

/**
 * Takes a body as it comes in, as UTF-8 text, before it becomes a stream: that and the fiber that waits for it are most
 * of what a small request costs.
 *
 * **Details**
 *
 * When `answer` returns false, the request is handed to `otherwise` as if nobody had touched it, its body to be read. A
 * client that leaves before its body is complete is not answered. The length must be bounded by what called this.
 *
 * @category combinators
 * @since 1.1.0
 */
export const take = (
  request: IncomingMessage,
  answer: (text: string) => boolean,
  otherwise: () => void
): void => {
  const chunks: Array<Buffer> = []
  const { push } = request
  request.push = (chunk: Buffer | null) => {
    if (chunk !== null) return chunks.push(chunk) > 0
    request.push = push
    // What this function holds would be old, and outlive young collections, when the next request of the connection comes.
    const received = chunks.splice(0)
    if (answer(textOf(received))) {
      passOver(request)
    } else {
      for (const chunk of received) push.call(request, chunk)
      push.call(request, null)
      otherwise()
    }
    return false
  }
}

const byteOrderMark = 0xfeff

// As `TextDecoder` does, which takes twice as long for a short text.
const textOf = ([first, ...others]: ReadonlyArray<Buffer>): string => {
  if (first === undefined) return ""
  const text = (others.length === 0 ? first : Buffer.concat([first, ...others])).toString()
  return text.charCodeAt(0) === byteOrderMark ? text.slice(1) : text
}
