/**
 * How late the event loop was, in seconds, of what Node's `monitorEventLoopDelay` measured in nanoseconds at that
 * `resolution`, in milliseconds: the time between two ticks of a timer of its own, whose period is no delay. 0 where it
 * measured nothing.
 *
 * @category conversions
 * @since 1.1.0
 */
export const seconds = (nanoseconds: number, resolution: number): number =>
  nanoseconds > 0 ? Math.max(0, nanoseconds / 1e9 - resolution / 1e3) : 0
