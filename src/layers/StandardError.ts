/**
 * Writes a line to standard error. That nobody reads it, or no longer, is not a failure.
 *
 * @category output
 * @since 1.1.0
 */
export const write = (line: string): void => {
  if (process.stderr.listenerCount("error") === 0) process.stderr.on("error", () => {})
  process.stderr.write(`${line}\n`)
}
