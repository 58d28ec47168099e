/**
 * Milliseconds since a moment that stays the same; they only go forwards, and have fractions.
 *
 * @category getters
 * @since 1.1.0
 * @example
 * ```ts
 * const startedAt = now()
 * const seconds = (now() - startedAt) / 1000
 * ```
 */
export const now = (): number => read()

/**
 * Has {@link now} read Node's `performance`, in half of the time. It is not loaded before: that would be felt in a start.
 *
 * @category constructors
 * @since 1.1.0
 */
export const settle = (): void => {
  if (read !== sinceBoot) return
  const { performance } = globalThis
  const then = performance.now()
  const shift = sinceBoot() - then
  read = () => performance.now() + shift
}

const sinceBoot = (): number => {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1e3 + nanoseconds / 1e6
}

let read = sinceBoot
