import { type Entry, limits } from "./LogBatch.ts"
import * as Spool from "./Spool.ts"

const numbersEach = 5
const bytesPerNumber = 8
// A segment ends with the entry that fills it; few are longer than this.
const pageBytes = Spool.segmentBytes + 8 * 1024
const mostFree = 16
const free: Array<ArrayBuffer> = []

/**
 * Packs entries of one priority outside the heap: first their numbers, then their
 * messages as UTF-8. What it gives makes them entries again, once: the memory is used again.
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
export const pack: Spool.Pack<Entry> = (entries) => {
  const { length } = entries
  const priority = entries[0]?.priority ?? 0
  const numberBytes = length * numbersEach * bytesPerNumber
  const size = entries.reduce((total, { bytes }) => total + bytes - limits.overhead, numberBytes)
  const page = size > pageBytes ? new ArrayBuffer(size) : free.pop() ?? new ArrayBuffer(pageBytes)
  const numbers = new Float64Array(page, 0, length * numbersEach)
  const messages = Buffer.from(page, numberBytes)
  let end = 0
  entries.forEach(({ bytes, message, order, seq, timestamp }, index) => {
    const written = messages.write(message, end)
    numbers.set([timestamp, order, seq, bytes, written], index * numbersEach)
    end += written
  })

  return () => {
    let start = 0
    const unpacked = Array.from({ length }, (_, index) => {
      const [timestamp = 0, order = 0, seq = 0, bytes = 0, written = 0] = numbers.subarray(index * numbersEach)
      const message = messages.toString("utf8", start, start += written)
      return { timestamp, message, seq, bytes, priority, order }
    })
    if (size <= pageBytes && free.length < mostFree) free.push(page)
    return unpacked
  }
}
