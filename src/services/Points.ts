/**
 * How many intervals {@link Points} keep.
 *
 * @category constants
 * @since 1.1.0
 */
export const size = 60

/**
 * One number for each of the last {@link size} intervals, and one for the interval that is still open.
 *
 * `add` adds to the open one, `set` replaces it, `turn` closes it, the next one starting from `from`. `closed` lists the
 * last `count` closed ones, oldest first, `NaN` where nothing was known; `sum` is of all that are known, the open one
 * too.
 *
 * @category models
 * @since 1.1.0
 */
export interface Points {
  readonly add: (value: number) => void
  readonly set: (value: number) => void
  readonly turn: (from: number) => void
  readonly closed: (count: number) => ReadonlyArray<number>
  readonly sum: () => number
}

/**
 * Makes {@link Points} that were `before` so far: `NaN` where nothing is known.
 *
 * @category constructors
 * @since 1.1.0
 * @example
 * ```ts
 * const points = make(0)
 * points.add(2)
 * points.turn(0)
 * points.add(3)
 * points.closed(2) // [0, 2]
 * points.sum() // 5
 * ```
 */
export const make = (before: number): Points => {
  const values = new Float32Array(size + 1).fill(before)
  let open = 0
  const at = (index: number) => values[index] ?? NaN
  return {
    add: (value) => {
      values[open] = at(open) + value
    },
    set: (value) => {
      values[open] = value
    },
    turn: (from) => {
      open = (open + 1) % values.length
      values[open] = from
    },
    closed: (count) =>
      Array.from({ length: count }, (_, index) => at((open + values.length - count + index) % values.length)),
    sum: () => values.reduce((sum, value) => Number.isNaN(value) ? sum : sum + value, 0)
  }
}
