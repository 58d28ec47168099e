import { assert, describe, it } from "@effect/vitest"
import { parseAst } from "rolldown/parseAst"
import { ascii } from "../../src/bundle/Ascii.ts"

describe("a program in ASCII", () => {
  const escaped = (code: string) => ascii(code, parseAst)

  it("has escapes in its texts, and means the same", () => {
    const code = "x = ['é', \"…\", `a${`😀`}ß`, {'ü': 1}.ü, 'plain']"
    const written = escaped(code)
    assert.match(
      written,
      /^x = \['\\u00e9', "\\u2026", `a\$\{`\\ud83d\\ude00`\}\\u00df`, \{'\\u00fc': 1\}\.ü, 'plain'\]$/
    )
    const value = (text: string): unknown => new Function(`let x; ${text}; return x`)()
    assert.deepStrictEqual(value(written), value(code))
  })

  it("is left as it is after a backslash, which would escape that of the escape", () => {
    for (const code of ["x = `\\é${1}`", "x = '\\😀'", "x = '\\\u2028é'"]) assert.strictEqual(escaped(code), code)
    assert.strictEqual(escaped("x = '\\\\é'"), "x = '\\\\\\u00e9'")
  })

  it("is left as it is where a tag, a pattern or a name has other characters", () => {
    for (const code of ["x = String.raw`é`", "x = /[à-ÿ]/.source", "let é = 1"]) assert.strictEqual(escaped(code), code)
    assert.strictEqual(escaped("x = tag`é${'é'}`"), "x = tag`é${'\\u00e9'}`")
  })
})
