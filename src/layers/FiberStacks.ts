import type * as Fiber from "effect/Fiber"
import type { Position } from "../services/V8Profile.ts"
import * as Inspector from "./Inspector.ts"

const deepest = 64

interface Location {
  readonly scriptId: string
  readonly lineNumber: number
  readonly columnNumber?: number
}

interface Remote {
  readonly objectId?: string
  readonly description?: string
  readonly value?: Location
}

interface Property {
  readonly name: string
  readonly value?: Remote
}

/**
 * Where suspended fibers stand, innermost first: the `yield*` a generator waits at, the functions that go on after it.
 *
 * **Details**
 *
 * Effect keeps what is left to do of a fiber in a field that is not public; without it, and where Node permits no
 * inspector, every stack is empty. V8 tells where a suspended generator and a function are, which takes about 40 µs each
 * and stops the process for the time: give it a thousand fibers at most.
 *
 * @category constructors
 * @since 1.1.0
 */
export const read = (
  fibers: ReadonlyArray<Fiber.Fiber<unknown, unknown>>
): ReadonlyArray<ReadonlyArray<Position>> => {
  const targets = fibers.map(targetsOf)
  const positions = positionsOf(new Set(targets.flat()))
  return targets.map((targets) => targets.flatMap((target) => positions.get(target) ?? []))
}

const targetsOf = (fiber: Fiber.Fiber<unknown, unknown>): ReadonlyArray<object> => {
  const { _stack: stack } = fiber as unknown as { readonly _stack?: unknown }
  if (!Array.isArray(stack)) return []
  const targets: Array<object> = []
  for (let index = stack.length - 1; index >= 0 && targets.length < deepest; index--) {
    const step = stack[index] as Record<string | symbol, unknown>
    for (const key of Reflect.ownKeys(step)) {
      const value = step[key]
      if (isGenerator(value) || (typeof value === "function" && !isFinalizer(key))) targets.push(value)
    }
  }
  return targets
}

// What runs when a fiber ends says nothing about where it is, and is another function in each fiber.
const isFinalizer = (key: string | symbol) => key === "onExit" || key === "~effect/Effect/args"

const isGenerator = (value: unknown): value is object =>
  typeof value === "object" && value !== null && Object.prototype.toString.call(value) === "[object Generator]"

const positionsOf = (targets: ReadonlySet<object>): ReadonlyMap<object, Position> => {
  let session: Inspector.Inspector
  try {
    session = Inspector.connect()
  } catch {
    return new Map()
  }
  const { post } = session
  const urls = new Map<string, string>()
  session.on<{ readonly scriptId: string; readonly url: string }>(
    "Debugger.scriptParsed",
    ({ scriptId, url }) => urls.set(scriptId, url)
  )
  // The inspector takes objects by the names of globals alone.
  const key = `keelson/${Math.random()}`
  const group = "fibers"
  const globals = globalThis as Record<string, unknown>
  globals[key] = [...targets]
  try {
    post("Debugger.enable", {})
    const expression = `globalThis[${JSON.stringify(key)}]`
    const { result: list } = post<{ result: Remote }>("Runtime.evaluate", { expression, objectGroup: group })
    const { result: elements } = post<{ result: ReadonlyArray<Property> }>("Runtime.getProperties", {
      objectId: list.objectId,
      ownProperties: true
    })
    const remotes = elements.filter(({ name }) => /^\d+$/.test(name))
    const found = new Map<object, Position>()
    let index = 0
    for (const target of targets) {
      const objectId = remotes[index++]?.value?.objectId
      if (objectId === undefined) continue
      const { internalProperties = [] } = post<{ internalProperties?: ReadonlyArray<Property> }>(
        "Runtime.getProperties",
        { objectId, ownProperties: true }
      )
      const property = (name: string) => internalProperties.find((property) => property.name === name)?.value
      const location = (property("[[GeneratorLocation]]") ?? property("[[FunctionLocation]]"))?.value
      if (location === undefined) continue
      found.set(target, {
        functionName: nameOf(target, property("[[GeneratorFunction]]")?.description),
        url: urls.get(location.scriptId) ?? "",
        lineNumber: location.lineNumber,
        columnNumber: location.columnNumber ?? 0
      })
    }
    return found
  } finally {
    delete globals[key]
    post("Runtime.releaseObjectGroup", { objectGroup: group })
    session.close()
  }
}

const nameOf = (target: object, description = ""): string =>
  typeof target === "function"
    ? target.name
    : /^\s*(?:static\s+)?(?:function\s*)?\*\s*([\w$]*)/.exec(description)?.[1] ?? ""
