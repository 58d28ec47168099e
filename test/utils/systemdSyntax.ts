import { assert } from "@effect/vitest"

/** The sections of a unit file and their assignments in order, as systemd.syntax(7) reads them. */
export const read = (text: string): Record<string, Array<readonly [string, string]>> => {
  const sections: Record<string, Array<readonly [string, string]>> = {}
  let section = ""
  for (const line of text.split("\n")) {
    assert.notMatch(line, /\\$/, "a continued line")
    if (line.trim() === "" || /^[#;]/.test(line)) continue
    const header = /^\[(\w+)\]$/.exec(line)?.[1]
    if (header !== undefined) {
      section = header
      sections[section] ??= []
      continue
    }
    const [, key = "", value = ""] = /^(\w+)=(.*)$/.exec(line.trim()) ?? assert.fail(`no assignment: ${line}`)
    sections[section]?.push([key, value.trim()])
  }
  return sections
}

const escapes: Record<string, string> = { "\\": "\\", "\"": "\"", "'": "'", n: "\n", t: "\t", s: " " }

// QUOTING of systemd.syntax(7).
const words = (value: string): Array<string> => {
  const found: Array<string> = []
  let word: string | undefined
  let quote = ""
  for (let index = 0; index < value.length; index++) {
    const character = value[index] ?? ""
    if (character === "\\") {
      index++
      const escaped = escapes[value[index] ?? ""] ?? assert.fail(`an escape that is none: \\${value[index]}`)
      word = (word ?? "") + escaped
    } else if (quote !== "") {
      if (character === quote) quote = ""
      else word = (word ?? "") + character
    } else if (character === "\"" || character === "'") {
      quote = character
      word ??= ""
    } else if (character === " ") {
      if (word !== undefined) found.push(word)
      word = undefined
    } else {
      assert.isFalse(character === ";" && word === undefined, "a command ends")
      word = (word ?? "") + character
    }
  }
  assert.strictEqual(quote, "", "a quote does not end")
  if (word !== undefined) found.push(word)
  return found
}

// SPECIFIERS of systemd.unit(5): only %% is expected.
const specifiers = (text: string): string =>
  text.replaceAll(/%(.?)/gs, (_, next: string) => next === "%" ? "%" : assert.fail(`a specifier: %${next}`))

// COMMAND LINES of systemd.service(5): only $$ is expected.
const variables = (text: string): string =>
  text.replaceAll(/\$(.?)/gs, (_, next: string) => next === "$" ? "$" : assert.fail(`a variable: $${next}`))

export const command = (value: string): ReadonlyArray<string> => {
  const [program = "", ...args] = words(value).map(specifiers)
  return [program, ...args.map(variables)]
}

export const assignment = (value: string): string => {
  const [assignment = "", ...others] = words(value).map(specifiers)
  assert.deepStrictEqual(others, [])
  return assignment
}
