import * as Effect from "effect/Effect"
import { Worker } from "node:worker_threads"
import type { DenseMap } from "../bundle/DenseMap.ts"
import type { Frame, Sample } from "../services/Pprof.ts"
import type { Position } from "../services/V8Profile.ts"
import { type Bundled, bundled } from "./Bundled.ts"

const known = new Map<string, Frame>()
const mostKnown = 50_000

/**
 * Finds the functions and lines of the sources that positions in the running code stand for. Without a bundle the running
 * code is the source.
 *
 * **Details**
 *
 * The bundle's source map is read by a worker, which ends with the answer; answers are kept. A process that may start no
 * worker reads it itself.
 *
 * @category conversions
 * @since 1.1.0
 */
export const resolve = async (positions: ReadonlyArray<Position>): Promise<ReadonlyArray<Frame>> => {
  const unknown = new Map(
    positions.flatMap((position) => {
      const key = keyOf(position)
      return known.has(key) ? [] : [[key, position] as const]
    })
  )
  if (known.size + unknown.size > mostKnown) known.clear()
  const mapped = [...unknown].filter(([, { url }]) => partOf(url) !== undefined)
  const origins = bundled === undefined || mapped.length === 0
    ? []
    : await originsOf(bundled, mapped.map(([, position]) => position))
  mapped.forEach(([key, position], index) => known.set(key, frameOf(position, origins[index])))
  for (const [key, position] of unknown) if (!known.has(key)) known.set(key, frameOf(position, undefined))
  return positions.map((position) => known.get(keyOf(position)) ?? frameOf(position, undefined))
}

/**
 * As {@link resolve}, for the stacks of samples.
 *
 * @category conversions
 * @since 1.1.0
 */
export const resolveSamples = (samples: ReadonlyArray<Sample<Position>>): Effect.Effect<ReadonlyArray<Sample>> =>
  Effect.map(Effect.promise(() => resolve(samples.flatMap(({ stack }) => stack))), (frames) => {
    let used = 0
    return samples.map((sample) => {
      used += sample.stack.length
      return { ...sample, stack: frames.slice(used - sample.stack.length, used) }
    })
  })

const keyOf = ({ columnNumber, functionName, lineNumber, url }: Position) =>
  `${functionName}\n${url}\n${lineNumber}\n${columnNumber}`

// V8 calls a part by its path, or by the URL that Node makes of it.
const pathOf = (url: string): string => url.startsWith("file://") ? decodeURIComponent(url.slice(7)) : url

const partOf = (url: string): string | undefined => {
  const path = pathOf(url)
  return bundled !== undefined && path.startsWith(`${bundled.file}/`) ? path.slice(bundled.file.length + 1) : undefined
}

interface Origin {
  readonly name: string
  readonly file: string
  readonly line: number
}

const frameOf = ({ functionName, lineNumber, url }: Position, origin: Origin | undefined): Frame => {
  const file = origin?.file ?? pathOf(url)
  const line = origin?.line ?? Math.max(0, lineNumber + 1)
  const name = origin?.name ?? functionName
  return { file, line, name: name === "" ? `(anonymous ${file.split("/").at(-1)}:${line})` : name }
}

type Question = readonly [part: string, line: number, column: number, name: string]

interface Task {
  readonly chunks: Readonly<Record<string, string>>
  readonly map: string
  readonly questions: ReadonlyArray<Question>
}

type Answer = ReadonlyArray<Origin | undefined>

const originsOf = async ({ code, map }: Bundled, positions: ReadonlyArray<Position>): Promise<Answer> => {
  const questions = positions.map(({ columnNumber, functionName, lineNumber, url }): Question => [
    partOf(url) ?? "",
    lineNumber,
    columnNumber,
    functionName
  ])
  const parts = new Set(questions.map(([part]) => part))
  const chunks = Object.fromEntries([...parts].map((part) => [part, code(part) ?? ""]))
  const task = { map: map(), chunks, questions }
  return mayStartWorkers() ? askWorker(task) : work(task)
}

// With Node's permission model they may be denied; its types do not say that without it there is no such thing.
const mayStartWorkers = (): boolean =>
  (process.permission as typeof process.permission | undefined)?.has("worker") !== false

const askWorker = async (task: Task): Promise<Answer> => {
  const text = `const { parentPort, workerData } = process.getBuiltinModule("node:worker_threads")
parentPort.postMessage((${work.toString()})(workerData))`
  const worker = new Worker(text, { eval: true, env: {}, execArgv: [], workerData: task })
  try {
    return await new Promise((resolve, reject) => {
      worker.once("message", resolve).once("error", reject)
    })
  } finally {
    await worker.terminate()
  }
}

// Runs in the worker as text: it may use nothing from around it. The map is a DenseMap of src/bundle, in its Base85.
const work = ({ chunks, map: packed, questions }: Task): Answer => {
  const { brotliDecompressSync } = process.getBuiltinModule("node:zlib")
  const bytes = new Uint8Array(packed.length * 4 / 5)
  for (let at = 0, to = 0; at < packed.length; at += 5) {
    let word = 0
    for (let index = at; index < at + 5; index++) {
      const code = packed.charCodeAt(index)
      word = word * 85 + (code < 42 ? code - 35 : index < packed.length ? code - 36 : 84)
    }
    for (let shift = 24; shift >= 0 && to < bytes.length; shift -= 8) bytes[to++] = word / 2 ** shift
  }
  const map = JSON.parse(brotliDecompressSync(bytes).toString()) as DenseMap
  const numbers = (text: string | undefined = ""): ReadonlyArray<number> => {
    const found: Array<number> = []
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at)
      found.push(code < 0xe000 ? code - 35 : (code - 0xe000) * 0xd000 + text.charCodeAt(++at) - 35)
    }
    return found
  }
  const placed = <A>(columns: ReadonlyArray<string> = [], next: () => A) =>
    columns.flatMap((text, line) => {
      let column = 0
      return numbers(text).map((distance) => ({ line, column: column += distance, ...next() }))
    })
  const read = (part: string) => {
    const at = map.parts.indexOf(part)
    const lines = numbers(map.lines[at]).values()
    const files = numbers(map.files[at]).values()
    const renamed = numbers(map.renamed[at]).values()
    const next = (values: Iterator<number>): number => values.next().value ?? 0
    let [originalLine, left, file] = [0, 0, 0]
    return {
      code: (chunks[part] ?? "").split("\n"),
      places: placed(map.columns[at], () => {
        const distance = next(lines)
        originalLine += distance % 2 === 0 ? distance / 2 : -(distance + 1) / 2
        if (left === 0) [left, file] = [next(files), next(files)]
        left--
        return { originalLine, file: map.sources[file] ?? "" }
      }),
      names: placed(map.renamedColumns[at], () => ({ name: map.names[next(renamed)] ?? "" }))
    }
  }
  // How many of what is sorted stand at a place or before it.
  const until = (
    sorted: ReadonlyArray<{ readonly line: number; readonly column: number }>,
    line: number,
    column: number
  ) => {
    let [from, to] = [0, sorted.length]
    while (from < to) {
      const middle = (from + to) >> 1
      const place = sorted[middle] ?? { line, column }
      if (place.line < line || (place.line === line && place.column <= column)) from = middle + 1
      else to = middle
    }
    return from
  }
  const parts = new Map<string, ReturnType<typeof read>>()
  const shortName = 2
  // `name=async function*(` at most.
  const furthest = 20
  const nearest = 4
  return questions.map(([part, line, column, name]) => {
    const known = parts.get(part) ?? read(part)
    parts.set(part, known)
    const { code, names, places } = known
    const place = places[until(places, line, column) - 1]
    if (place === undefined || place.file === "") return undefined
    // The name of a function stands before the place where V8 says that it begins. What is not found and as short as the
    // bundler's names is none, if it is not a method's.
    const head = (code[line] ?? "").slice(Math.max(0, column - name.length - furthest), column).replace(
      /:(?:async )?$/,
      ""
    )
    const method = head.endsWith(name) && !/[\w$]/.test(head.at(-name.length - 1) ?? "")
    let original = method || name.length > shortName ? name : ""
    const before = name === "" ? 0 : until(names, line, column)
    for (const renamed of names.slice(Math.max(0, before - nearest), before).reverse()) {
      if (renamed.line !== line || column - renamed.column > name.length + furthest) break
      const text = code[line]?.slice(renamed.column, renamed.column + name.length + 1) ?? ""
      if (text.startsWith(name) && !/[\w$]/.test(text.slice(name.length))) {
        original = renamed.name
        break
      }
    }
    return { name: original, file: place.file, line: place.originalLine + 1 }
  })
}
