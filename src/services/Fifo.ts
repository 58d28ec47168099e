/**
 * A queue whose ends cost the same however long it is.
 *
 * @category models
 * @since 1.1.0
 */
export interface Fifo<A> {
  readonly push: (value: A) => void
  readonly peek: () => A | undefined
  readonly shift: () => A | undefined
  readonly size: () => number
}

const compactAt = 4096

/**
 * Makes an empty {@link Fifo}.
 *
 * @category constructors
 * @since 1.1.0
 * @example
 * ```ts
 * const queue = make<number>()
 * queue.push(1)
 * queue.shift() // 1
 * ```
 */
export const make = <A>(): Fifo<A> => {
  let values: Array<A | undefined> = []
  let head = 0
  return {
    push: (value) => {
      values.push(value)
    },
    peek: () => values[head],
    shift: () => {
      if (head === values.length) return undefined
      const value = values[head]
      values[head] = undefined
      head++
      if (head === values.length) {
        values = []
        head = 0
      } else if (head >= compactAt && head * 2 >= values.length) {
        values = values.slice(head)
        head = 0
      }
      return value
    },
    size: () => values.length - head
  }
}
