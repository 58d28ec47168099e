import type { Frame, Sample } from "./Pprof.ts"

/**
 * What is known of one live fiber. `age` is in milliseconds; `stack` has the innermost frame first, and is `undefined`
 * where it was not looked at.
 *
 * @category models
 * @since 1.1.0
 */
export interface FiberState {
  readonly id: number
  readonly running: boolean
  readonly age: number
  readonly span?: string | undefined
  readonly operation?: string | undefined
  readonly traceId?: string | undefined
  readonly stack: ReadonlyArray<Frame> | undefined
}

/**
 * Live fibers that stand at the same place, in spans of the same name.
 *
 * @category models
 * @since 1.1.0
 */
export interface FiberGroup {
  readonly count: number
  readonly running: number
  readonly span?: string | undefined
  readonly operation?: string | undefined
  readonly stack: ReadonlyArray<Frame>
  /** In milliseconds. */
  readonly age: { readonly youngest: number; readonly median: number; readonly oldest: number }
  readonly ids: ReadonlyArray<number>
}

const notLookedAt: ReadonlyArray<Frame> = [{ name: "(not looked at)", file: "", line: 0 }]
const nowhere: ReadonlyArray<Frame> = [{ name: "(unknown)", file: "", line: 0 }]

const stackOf = ({ stack = notLookedAt }: FiberState): ReadonlyArray<Frame> => stack.length === 0 ? nowhere : stack

const keyOf = (fiber: FiberState): string =>
  JSON.stringify([
    fiber.span,
    fiber.operation,
    stackOf(fiber).map(({ file, line, name }) => [name, file, line])
  ])

/**
 * Groups fibers by stack and span, the most numerous group first.
 *
 * @category conversions
 * @since 1.1.0
 */
export const group = (fibers: ReadonlyArray<FiberState>): ReadonlyArray<FiberGroup> => {
  const groups = new Map<string, Array<FiberState>>()
  for (const fiber of fibers) {
    const key = keyOf(fiber)
    const members = groups.get(key)
    if (members === undefined) groups.set(key, [fiber])
    else members.push(fiber)
  }
  return [...groups.values()].flatMap((members): ReadonlyArray<FiberGroup> => {
    const [first] = members
    if (first === undefined) return []
    const ages = members.map(({ age }) => age).sort((a, b) => a - b)
    return [{
      count: members.length,
      running: members.filter(({ running }) => running).length,
      span: first.span,
      operation: first.operation,
      stack: stackOf(first),
      age: { youngest: ages[0] ?? 0, median: ages[ages.length >> 1] ?? 0, oldest: ages.at(-1) ?? 0 },
      ids: members.map(({ id }) => id)
    }]
  }).sort((a, b) => b.count - a.count)
}

/**
 * The samples of a goroutine profile: one per fiber, so that each has the trace it belongs to.
 *
 * @category conversions
 * @since 1.1.0
 */
export const samples = (fibers: ReadonlyArray<FiberState>): ReadonlyArray<Sample> =>
  fibers.map((fiber) => ({ stack: stackOf(fiber), values: [1], labels: labelsOf(fiber, fiber.traceId) }))

const labelsOf = (
  { operation, span }: Pick<FiberState, "operation" | "span">,
  traceId?: string
): Record<string, string> => ({
  ...(operation === undefined ? {} : { operation }),
  ...(span === undefined ? {} : { span }),
  ...(traceId === undefined ? {} : { trace_id: traceId })
})

/**
 * Text as Go's `goroutine?debug=1`: a count and a stack per group. An address stands for a place, made up, since pprof
 * wants one.
 *
 * @category rendering
 * @since 1.1.0
 */
export const groupsText = (fibers: ReadonlyArray<FiberState>): string => {
  const addresses = new Map<string, string>()
  const addressOf = ({ file, line, name }: Frame): string => {
    const key = `${name}\n${file}\n${line}`
    const address = addresses.get(key) ?? `0x${(0x1000 * (addresses.size + 1)).toString(16)}`
    addresses.set(key, address)
    return address
  }
  const blocks = group(fibers).map(({ count, stack, ...group }) => {
    const labels = labelsOf(group)
    return [
      `${count} @ ${stack.map(addressOf).join(" ")}`,
      ...(Object.keys(labels).length === 0 ? [] : [`# labels: ${JSON.stringify(labels)}`]),
      ...stack.map((frame) => `#\t${addressOf(frame)}\t${frame.name}+0x0\t${frame.file}:${frame.line}`)
    ].join("\n")
  })
  return `goroutine profile: total ${fibers.length}\n${blocks.join("\n\n")}\n`
}

/**
 * Text as Go's `goroutine?debug=2`: every fiber with its state, its age, where it stands and what it belongs to.
 *
 * @category rendering
 * @since 1.1.0
 */
export const fibersText = (fibers: ReadonlyArray<FiberState>): string =>
  fibers.map((fiber) => {
    const minutes = Math.floor(fiber.age / 60_000)
    const state = fiber.running ? "running" : "suspended"
    return [
      `goroutine ${fiber.id} [${state}${minutes === 0 ? "" : `, ${minutes} minutes`}]:`,
      ...Object.entries({ ...labelsOf(fiber, fiber.traceId), age: `${fiber.age}ms` }).map(([key, value]) =>
        `# ${key}: ${value}`
      ),
      ...stackOf(fiber).map(({ file, line, name }) => `${name}()\n\t${file}:${line}`)
    ].join("\n") + "\n"
  }).join("\n")

/**
 * A group of fibers that looks like a leak.
 *
 * @category models
 * @since 1.1.0
 */
export interface Leak {
  readonly group: FiberGroup
  /** How many there were in each look. */
  readonly counts: ReadonlyArray<number>
}

/**
 * Groups that new fibers came to from each look to the next while none of their members ended: the ones to suspect. What
 * comes and goes, however many, is not, nor is what was there before and is seen only now.
 *
 * @category conversions
 * @since 1.1.0
 */
export const leaks = (looks: ReadonlyArray<ReadonlyArray<FiberState>>): ReadonlyArray<Leak> => {
  const tables = looks.map((fibers) => new Map(group(fibers).map((group) => [tableKey(group), group])))
  const known = looks.map((fibers) => new Set(fibers.map(({ id }) => id)))
  const last = tables.at(-1) ?? new Map<string, FiberGroup>()
  return [...last].flatMap(([key, group]) => {
    const seen = tables.map((table) => table.get(key))
    const came = seen.map((group, index) => group?.ids.filter((id) => !known[index - 1]?.has(id)).length ?? 0)
    const none = seen.every((earlier) => earlier?.ids.every((id) => known.at(-1)?.has(id)) ?? true)
    let count = 0
    return came.every((more) => more > 0) && none ? [{ group, counts: came.map((more) => count += more) }] : []
  })
}

const tableKey = ({ operation, span, stack }: FiberGroup): string =>
  JSON.stringify([span, operation, stack.map(({ file, line, name }) => [name, file, line])])
