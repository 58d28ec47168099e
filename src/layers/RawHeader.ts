/**
 * Finds the first header of a name that is given in lower case, in names and values as they came.
 *
 * **Details**
 *
 * Node's own view of the headers is an object made when it is first read, Effect's a copy of that.
 *
 * @category getters
 * @since 1.1.0
 */
export const find = (rawHeaders: ReadonlyArray<string> = [], name: string): string | undefined => {
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const candidate = rawHeaders[index]
    if (candidate?.length === name.length && candidate.toLowerCase() === name) return rawHeaders[index + 1]
  }
  return undefined
}
