/**
 * Makes a Region that is asked for when it is needed, once: an SDK asks for it several times a request. What failed is asked
 * again.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = (ask: () => Promise<string>): () => Promise<string> => {
  let asked: Promise<string> | undefined
  return () =>
    asked ??= ask().catch((error: unknown) => {
      asked = undefined
      throw error
    })
}
