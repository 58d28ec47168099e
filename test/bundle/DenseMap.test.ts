import { assert, describe, it } from "@effect/vitest"
import { encode, type SourceMapMappings, type SourceMapSegment } from "@jridgewell/sourcemap-codec"
import type { SourceMap } from "rolldown"
import { denseMap, zero } from "../../src/bundle/DenseMap.ts"

const mapped = (mappings: SourceMapMappings, names: Array<string> = [], sourcesContent: Array<string> = []) =>
  ({
    sources: ["../src/a.ts", "../../src/b.ts"],
    names,
    sourcesContent,
    mappings: encode(mappings)
  }) as unknown as SourceMap

const numbers = (text = "") => Array.from(text, (character) => character.charCodeAt(0) - zero)

describe("a dense map", () => {
  it("has the first column of each line at which anything can happen", () => {
    const code = "f(1),2,3,g()"
    const map = mapped([[[0, 0, 4, 2], [2, 0, 4, 4], [5, 0, 5, 0], [7, 0, 6, 0], [9, 1, 1, 0]]])
    const { columns, files, lines, sources } = denseMap([{ name: "a.js", code, kept: code, map }])
    assert.deepStrictEqual(sources, ["src/a.ts", "src/b.ts"])
    assert.deepStrictEqual(columns.map((lines) => lines.map(numbers)), [[[0, 9]]])
    assert.deepStrictEqual(lines.map(numbers), [[8, 5]])
    assert.deepStrictEqual(files.map(numbers), [[1, 0, 1, 1]])
  })

  it("has the names of functions alone", () => {
    const code = "a=1,b=e=>e+a;function c(d){}class f{}"
    const names = ["one", "two", "three", "four", "five", "six"]
    const at = [0, 4, 6, 22, 24, 34]
    const map = mapped([at.map((column, name) => [column, 0, 0, column, name])], names)
    const dense = denseMap([{ name: "a.js", code, kept: code, map }])
    assert.deepStrictEqual(numbers(dense.renamed[0]).map((name) => dense.names[name]), ["two", "four", "six"])
    assert.deepStrictEqual(dense.renamedColumns.map((lines) => lines.map(numbers)), [[[4, 18, 12]]])
  })

  it("has the names of private methods, from the source where the map has none, not of calls", () => {
    const source = "class Burner { #burn(n) { return this.#of(n) } async #of(n) { } #field = 1 }"
    const code = "class Burner{#e(n){return this.#t(n)}async#t(n){}#n=1}"
    const places = [["#e(", "#burn("], ["#t(", "#of("], ["#t(n){", "#of(n) {"], ["#n", "#field"]] as const
    const segments = places.map(([kept, original], index): SourceMapSegment => {
      const place = [code.indexOf(kept), 0, 0, source.indexOf(original)] as const
      return index === 1 || index === 2 ? [...place, 0] : [...place]
    })
    const dense = denseMap([{ name: "a.js", code, kept: code, map: mapped([segments], ["#of"], [source]) }])
    assert.deepStrictEqual(numbers(dense.renamed[0]).map((name) => dense.names[name]), ["#burn", "#of"])
    assert.deepStrictEqual(dense.renamedColumns.map((lines) => lines.map(numbers)), [[[
      code.indexOf("#e("),
      code.indexOf("#t(n){") - code.indexOf("#e(")
    ]]])
  })

  it("counts columns as they are after characters were escaped", () => {
    const map = mapped([[[0, 0, 0, 0], [6, 0, 1, 0]]])
    const part = { name: "a.js", code: "f('é')g()", kept: "f('\\u00e9')g()", map }
    assert.deepStrictEqual(denseMap([part]).columns.map((lines) => lines.map(numbers)), [[[0, 11]]])
  })

  it("says of what the bundler added that it is of no source", () => {
    const code = "f()+g()"
    const { files, sources } = denseMap([{ name: "a.js", code, kept: code, map: mapped([[[0], [4, 0, 0, 0]]]) }])
    assert.deepStrictEqual(numbers(files[0]).filter((_, index) => index % 2 === 1).map((file) => sources[file]), [
      "",
      "src/a.ts"
    ])
  })
})
