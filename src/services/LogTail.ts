/**
 * How much text waits for one client before lines are left out, in UTF-16 units; the longest single line still fits.
 *
 * @category constants
 * @since 1.1.0
 */
export const maxPending = 1024 * 1024

/**
 * How much text is handed over at once, in UTF-16 units, unless one line is longer.
 *
 * @category constants
 * @since 1.1.0
 */
export const chunkSize = 64 * 1024

/**
 * The name of the event that tells how many lines were left out at its place.
 *
 * @category constants
 * @since 1.1.0
 */
export const lostEvent = "lost"

/**
 * Log lines on their way to one client, as server-sent events.
 *
 * `offer` never blocks: what is too much is counted. `take` gives text for as long as there is some, else `""`.
 *
 * @category models
 * @since 1.1.0
 */
export interface LogTail {
  readonly offer: (line: string) => void
  readonly take: () => string
}

/**
 * Makes an empty {@link LogTail}.
 *
 * **Details**
 *
 * A line that finds more than {@link maxPending} waiting is left out, and so are all that follow until what waits was
 * taken; then one event {@link lostEvent} with their number stands in their place. `wake` is called by each `offer`.
 *
 * @category constructors
 * @since 1.1.0
 * @example
 * ```ts
 * const tail = make(() => {})
 * tail.offer(`{"message":"hello"}`)
 * tail.take() // data: {"message":"hello"}\n\n
 * ```
 */
export const make = (wake: () => void): LogTail => {
  let waiting: Array<string> = []
  let next = 0
  let size = 0
  let lost = 0
  return {
    offer: (line) => {
      if (lost > 0 || (size > 0 && size + line.length > maxPending)) {
        lost++
      } else {
        waiting.push(line)
        size += line.length
      }
      wake()
    },
    take: () => {
      let text = ""
      while (next < waiting.length && text.length < chunkSize) {
        const line = waiting[next++] ?? ""
        size -= line.length
        text += `data: ${line}\n\n`
      }
      if (next < waiting.length) return text
      waiting = []
      next = 0
      if (lost > 0) text += `event: ${lostEvent}\ndata: ${lost}\n\n`
      lost = 0
      return text
    }
  }
}
