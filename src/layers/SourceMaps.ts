import { Worker } from "node:worker_threads"
import type { Frame } from "../services/Pprof.ts"
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
  readonly maps: string
  readonly questions: ReadonlyArray<Question>
}

type Answer = ReadonlyArray<Origin | undefined>

const originsOf = async ({ code, maps }: Bundled, positions: ReadonlyArray<Position>): Promise<Answer> => {
  const questions = positions.map(({ columnNumber, functionName, lineNumber, url }): Question => [
    partOf(url) ?? "",
    lineNumber,
    columnNumber,
    functionName
  ])
  const parts = new Set(questions.map(([part]) => part))
  const chunks = Object.fromEntries([...parts].map((part) => [part, code(part) ?? ""]))
  const task = { maps: maps(), chunks, questions }
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

// Runs in the worker as text: it may use nothing from around it.
const work = ({ chunks, maps, questions }: Task): Answer => {
  const { SourceMap } = process.getBuiltinModule("node:module")
  const { brotliDecompressSync } = process.getBuiltinModule("node:zlib")
  const payloads = JSON.parse(brotliDecompressSync(Buffer.from(maps, "base64")).toString()) as Record<string, never>
  const shortName = 2
  const parsed = new Map<string, InstanceType<typeof SourceMap>>()
  const lines = new Map<string, ReadonlyArray<string>>()
  return questions.map(([part, line, column, name]) => {
    const payload = payloads[part]
    if (payload === undefined) return undefined
    const map = parsed.get(part) ?? new SourceMap(payload)
    parsed.set(part, map)
    const code = lines.get(part) ?? (chunks[part] ?? "").split("\n")
    lines.set(part, code)
    const entry = map.findEntry(line, column)
    if (!("originalSource" in entry)) return undefined
    // The name of a function stands a few tokens before the place where V8 says that it begins. What is not found and
    // as short as the bundler's names is none.
    let original = name.length > shortName ? name : ""
    let back: (typeof entry & { readonly name?: string }) | object = entry
    for (let tries = 0; tries < 4 && "generatedColumn" in back; tries++) {
      const text = code[back.generatedLine]?.slice(back.generatedColumn, back.generatedColumn + name.length + 1) ?? ""
      if (name !== "" && text.startsWith(name) && !/[\w$]/.test(text.slice(name.length))) {
        original = back.name || name
        break
      }
      back = map.findEntry(back.generatedLine, back.generatedColumn - 1)
    }
    return { name: original, file: entry.originalSource, line: entry.originalLine + 1 }
  })
}
