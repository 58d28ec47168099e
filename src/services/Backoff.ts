import type { Kind } from "./DeliveryError.ts"

/**
 * The longest wait between two attempts, in milliseconds.
 *
 * @category constants
 * @since 1.1.0
 */
export const longest = 30_000

/**
 * How long to wait, in milliseconds, before attempt `attempt + 1`: full jitter, doubling from 200 ms (1 s when the
 * service throttles or refuses who asks) to {@link longest}. `random` is from 0 to 1.
 *
 * The source of full jitter is https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/.
 *
 * @category constructors
 * @since 1.1.0
 * @example
 * ```ts
 * delay("transient", 3, 1) // 800
 * ```
 */
export const delay = (kind: Kind, attempt: number, random: number): number =>
  random * Math.min(longest, (kind === "throttle" || kind === "auth" ? 1_000 : 200) * 2 ** (attempt - 1))
