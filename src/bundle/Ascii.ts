/**
 * Writes what is not ASCII in the texts of a program as escapes. One such character would make V8 store all of the
 * program at two bytes a character. What a tag may read as it is written is left alone, and
 * so is a text with an escape of such a character.
 *
 * @category conversions
 * @since 1.1.0
 */
export const ascii = (code: string, parse: (code: string) => unknown): string => {
  if (!/[^\0-\x7f]/.test(code)) return code
  const pieces: Array<string> = []
  let from = 0
  for (const [start, end] of textsOf(parse(code)).sort(([a], [b]) => a - b)) {
    pieces.push(code.slice(from, start), escaped(code.slice(start, end)))
    from = end
  }
  return pieces.join("") + code.slice(from)
}

interface Node {
  readonly type?: unknown
  readonly start?: number
  readonly end?: number
  readonly value?: unknown
}

const textsOf = (tree: unknown): Array<readonly [start: number, end: number]> => {
  const texts: Array<readonly [number, number]> = []
  const visit = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return
    const { end = 0, start = 0, type, value } = node as Node
    if (type === "TemplateElement" || (type === "Literal" && typeof value === "string")) {
      return void texts.push([start, end])
    }
    for (const [key, child] of Object.entries(node)) {
      if (type === "TaggedTemplateExpression" && key === "quasi") {
        visit((child as { readonly expressions: unknown }).expressions)
      } else visit(child)
    }
  }
  visit(tree)
  return texts
}

// After a backslash, which would escape that of the escape, it is left.
const escaped = (text: string): string =>
  /(?<!\\)\\(?:\\\\)*[^\0-\x7f]/.test(text)
    ? text
    : text.replace(/[^\0-\x7f]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`)
