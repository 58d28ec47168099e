const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", "\"": "&quot;", "'": "&#39;" }

/**
 * Escapes text for HTML content and attributes.
 *
 * @category combinators
 * @since 1.1.0
 * @example
 * ```ts
 * escape("<b>") // &lt;b&gt;
 * ```
 */
export const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character] ?? "")

const ellipsisBytes = 3

/**
 * Escapes as much of a text as takes `bytes` of UTF-8 at most, with an ellipsis where something is missing.
 *
 * @category combinators
 * @since 1.1.0
 * @example
 * ```ts
 * clip("<<<<", 11) // &lt;&lt;…
 * ```
 */
export const clip = (text: string, bytes: number): string => {
  let result = ""
  let size = 0
  let fitting = 0
  for (const character of text.length > bytes ? text.slice(0, bytes) : text) {
    const escaped = entities[character] ?? character
    size += bytesOf(escaped)
    if (size > bytes) return `${result.slice(0, fitting)}…`
    result += escaped
    if (size <= bytes - ellipsisBytes) fitting = result.length
  }
  return text.length > bytes ? `${result.slice(0, fitting)}…` : result
}

const bytesOf = (text: string): number => {
  if (text.length > 2) return text.length
  const code = text.codePointAt(0) ?? 0
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
}
