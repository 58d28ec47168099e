import { decode, type SourceMapSegment } from "@jridgewell/sourcemap-codec"
import type { SourceMap } from "rolldown"

/**
 * Of the source maps of some parts, what stacks and profiles ask for: the file and line of what can be called or fail,
 * and the names of functions that have another one in the bundle. Numbers are characters, {@link zero} is 0; what is
 * alike stands together, which compresses best.
 *
 * @category models
 * @since 1.1.0
 */
export interface DenseMap {
  /** An empty one is what the bundler added. */
  readonly sources: ReadonlyArray<string>
  readonly names: ReadonlyArray<string>
  readonly parts: ReadonlyArray<string>
  /** By part and line of its code: columns, each as the distance from the one before. */
  readonly columns: ReadonlyArray<ReadonlyArray<string>>
  /** By part: the line in the source for each column, as the distance from the one before, bent to be positive. */
  readonly lines: ReadonlyArray<string>
  /** By part: how many columns are of the same source, and which one that is. */
  readonly files: ReadonlyArray<string>
  /** By part and line of its code: columns of what was renamed. */
  readonly renamedColumns: ReadonlyArray<ReadonlyArray<string>>
  /** By part: the name each of them had. */
  readonly renamed: ReadonlyArray<string>
}

/**
 * The character that stands for 0: JSON escapes none from there on but one.
 *
 * @category constants
 * @since 1.1.0
 */
export const zero = 35

/**
 * A part: its code as its source map has it, and as it is kept.
 *
 * @category models
 * @since 1.1.0
 */
export interface Part {
  readonly name: string
  readonly code: string
  readonly kept: string
  readonly map: SourceMap
}

/**
 * Makes one dense map of a map for each part.
 *
 * @category conversions
 * @since 1.1.0
 */
export const denseMap = (
  parts: ReadonlyArray<Part>
): DenseMap => {
  const sources = new Numbered()
  const names = new Numbered()
  const dense = parts.map(({ code, kept, map }) => {
    const keptLines = kept.split("\n")
    const sourceLines = map.sourcesContent.map((content) => content?.split("\n"))
    const moved = code.split("\n").map((line, number) => mover(line, keptLines[number] ?? ""))
    const files: Array<[count: number, source: number]> = []
    let line = 0
    let lines = ""
    let renamed = ""
    const columns: Array<string> = []
    const renamedColumns: Array<string> = []
    decode(map.mappings).forEach((unmoved, generated) => {
      const text = keptLines[generated] ?? ""
      const move = moved[generated] ?? ((column) => column)
      const segments = unmoved.map(([column, ...rest]) => [move(column), ...rest] as SourceMapSegment)
      let column = 0
      let ofLine = ""
      for (const { from, source, sourceLine } of runs(segments, text)) {
        const file = sources.of((map.sources[source ?? -1] ?? "").replace(/^(\.\.?\/)+/, ""))
        const last = files.at(-1)
        if (last?.[1] === file) last[0]++
        else files.push([1, file])
        ofLine += character(from - column)
        lines += character(bent(sourceLine - line))
        column = from
        line = sourceLine
      }
      columns.push(ofLine)
      let renamedColumn = 0
      let renamedOfLine = ""
      for (const [from, source = -1, sourceLine = -1, sourceColumn = 0, name = -1] of segments) {
        const original = map.names[name] ?? privateName(sourceLines[source]?.[sourceLine], sourceColumn)
        if (original === undefined || !namesFunction(text, from)) continue
        renamedOfLine += character(from - renamedColumn)
        renamed += character(names.of(original))
        renamedColumn = from
      }
      renamedColumns.push(renamedOfLine)
    })
    return { columns, lines, files: files.flat().map(character).join(""), renamedColumns, renamed }
  })
  return {
    sources: sources.all,
    names: names.all,
    parts: parts.map(({ name }) => name),
    columns: dense.map(({ columns }) => columns),
    lines: dense.map(({ lines }) => lines),
    files: dense.map(({ files }) => files),
    renamedColumns: dense.map(({ renamedColumns }) => renamedColumns),
    renamed: dense.map(({ renamed }) => renamed)
  }
}

// Where a column of a line is after some of its characters were escaped.
const mover = (before: string, after: string): (column: number) => number => {
  if (before === after) return (column) => column
  const columns: Array<number> = []
  let at = 0
  for (let column = 0; column <= before.length; column++) {
    columns.push(at)
    at += before[column] === after[at] ? 1 : escape.length
  }
  return (column) => columns[column] ?? at
}

const escape = "\\u0000"

interface Run {
  readonly from: number
  readonly source: number | undefined
  readonly sourceLine: number
}

// What stands together of one line. Where nothing is called, read or thrown no stack ever is.
const runs = (segments: ReadonlyArray<SourceMapSegment>, text: string): ReadonlyArray<Run> => {
  const found: Array<Run> = []
  for (const [from, source, sourceLine = 0] of segments) {
    const last = found.at(-1)
    if (last !== undefined && last.source === source && last.sourceLine === sourceLine) continue
    if (last !== undefined && !eventful.test(text.slice(last.from, from))) found.pop()
    const before = found.at(-1)
    if (before === undefined || before.source !== source || before.sourceLine !== sourceLine) {
      found.push({ from, source, sourceLine })
    }
  }
  return found
}

const eventful = /[(.[`]|=>|\b(?:await|class|in|instanceof|new|throw|yield)\b/

// The bundler's map has no name for what begins with its name.
const privateName = (source = "", at: number): string | undefined => /^#[\w$]+/.exec(source.slice(at))?.[0]

// A function is called by the variable it was first put into, by the name that it declares, or not at all.
const namesFunction = (text: string, at: number): boolean => {
  assigned.lastIndex = at
  declared.lastIndex = at
  return assigned.test(text) || (declared.test(text) &&
    (text[at] === "#" ? text[at - 1] !== "." : /\b(?:function\*? ?|class )$/.test(text.slice(at - 10, at))))
}

const assigned = /#?[\w$]+=(?:async\b|function\b|class\b|\(|[\w$]+=>)/y
const declared = /#?[\w$]+(?:\(|\{| extends\b)/y

class Numbered {
  readonly all: Array<string> = []
  readonly #numbers = new Map<string, number>()

  of(text: string): number {
    const number = this.#numbers.get(text) ?? this.all.length
    if (number === this.all.length) {
      this.all.push(text)
      this.#numbers.set(text, number)
    }
    return number
  }
}

// Greater ones are written by two characters, the first of them from where JSON has none to write.
const character = (value: number): string => {
  if (value < largest) return String.fromCharCode(zero + value)
  return String.fromCharCode(0xe000 + Math.floor(value / largest)) + String.fromCharCode(zero + value % largest)
}

const largest = 0xd000

const bent = (value: number): number => value < 0 ? -2 * value - 1 : 2 * value
