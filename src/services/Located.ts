import type * as Duration from "effect/Duration"

/**
 * The addresses of a service, each as often as its share of requests, and for how long they may be believed.
 *
 * @category models
 * @since 1.1.0
 */
export interface Located {
  readonly urls: ReadonlyArray<string>
  readonly ttl: Duration.Duration
}

/**
 * One answer to a question for SRV records (RFC 2782).
 *
 * @category models
 * @since 1.1.0
 */
export interface SrvRecord {
  readonly name: string
  readonly port: number
  readonly priority: number
  readonly weight: number
}

const largestShare = 10

/**
 * The records to use: those of the least priority value, each as often as its weight is a multiple of the least one (at
 * most 10 times), in turns.
 *
 * @category combinators
 * @since 1.1.0
 * @example
 * ```ts
 * const at = (name: string, priority: number, weight: number) => ({ name, port: 80, priority, weight })
 * inTurns([at("a", 1, 20), at("b", 1, 10), at("c", 2, 10)]).map(({ name }) => name) // ["a", "b", "a"]
 * ```
 */
export const inTurns = (records: ReadonlyArray<SrvRecord>): ReadonlyArray<SrvRecord> => {
  const first = Math.min(...records.map(({ priority }) => priority))
  const used = records.filter(({ priority }) => priority === first)
  const least = Math.max(1, Math.min(...used.map(({ weight }) => weight)))
  const shares = used.map(({ weight }) => Math.min(largestShare, Math.max(1, Math.round(weight / least))))
  return Array.from(
    { length: Math.max(0, ...shares) },
    (_, turn) => used.filter((_, index) => turn < (shares[index] ?? 0))
  )
    .flat()
}
