import { type Entry, limits } from "./LogBatch.ts"
import type { Pack } from "./Spool.ts"

/**
 * Packs entries of one priority outside the heap: their messages as UTF-8, one after the other, and the rest as numbers.
 *
 * An entry on the heap costs half as much again as its message, and the collector lets a heap grow to a multiple of what
 * it holds.
 *
 * @category conversions
 * @since 1.1.0
 * @example
 * ```ts
 * const unpack = pack(entries)
 * unpack() // entries
 * ```
 */
export const pack: Pack<Entry> = (entries) => {
  const priority = entries[0]?.priority ?? 0
  const messages = Buffer.allocUnsafeSlow(entries.reduce((total, { bytes }) => total + bytes - limits.overhead, 0))
  const timestamps = Float64Array.from(entries, ({ timestamp }) => timestamp)
  const orders = Float64Array.from(entries, ({ order }) => order)
  let end = 0
  const ends = Uint32Array.from(entries, ({ message }) => end += messages.write(message, end))

  return () =>
    Array.from(ends, (end, index) => {
      const start = ends[index - 1] ?? 0
      return {
        timestamp: timestamps[index] ?? 0,
        message: messages.toString("utf8", start, end),
        bytes: end - start + limits.overhead,
        priority,
        order: orders[index] ?? 0
      }
    })
}
