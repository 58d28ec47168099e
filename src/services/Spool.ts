import * as Fifo from "./Fifo.ts"

/**
 * Keeps items in few bytes; what it gives makes them items again.
 *
 * @category models
 * @since 1.1.0
 */
export type Pack<A> = (values: ReadonlyArray<A>) => () => ReadonlyArray<A>

/**
 * How many bytes of items are packed together.
 *
 * @category constants
 * @since 1.1.0
 */
export const segmentBytes = 256 * 1024

/**
 * Makes a queue that keeps packed what was pushed while `when` holds, but for its ends, so that a long one costs little
 * more than the bytes in it.
 *
 * @category constructors
 * @since 1.1.0
 * @example
 * ```ts
 * const queue = make(LogPack.pack, () => true)
 * queue.push(entry)
 * queue.shift() // entry
 * ```
 */
export const make = <A extends { readonly bytes: number }>(
  pack: Pack<A> | undefined,
  when: () => boolean
): Fifo.Fifo<A> => {
  const segments = Fifo.make<() => ReadonlyArray<A>>()
  let head: ReadonlyArray<A> = []
  let next = 0
  let tail: Array<A> = []
  let tailBytes = 0
  let size = 0

  const takeTail = () => {
    const values = tail
    tail = []
    tailBytes = 0
    return values
  }

  const seal = () => {
    const values = takeTail()
    segments.push(pack !== undefined && when() ? pack(values) : () => values)
  }

  const peek = () => {
    if (next === head.length && size > 0) {
      head = segments.shift()?.() ?? takeTail()
      next = 0
    }
    return head[next]
  }

  return {
    push: (value) => {
      size++
      tail.push(value)
      tailBytes += value.bytes
      if (tailBytes >= segmentBytes) seal()
    },
    peek,
    shift: () => {
      const value = peek()
      if (value === undefined) return undefined
      next++
      size--
      return value
    },
    size: () => size
  }
}
