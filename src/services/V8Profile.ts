import type { Sample } from "./Pprof.ts"

/**
 * A place as V8 gives it: a script and a line and column in it, both counted from 0. A profile knows where a function
 * begins; its name is empty when it has none.
 *
 * @category models
 * @since 1.1.0
 */
export interface Position {
  readonly functionName: string
  readonly url: string
  readonly lineNumber: number
  readonly columnNumber: number
}

/**
 * `Profiler.Profile` of the inspector's protocol. Times are in microseconds.
 *
 * @category models
 * @since 1.1.0
 */
export interface CpuProfile {
  readonly nodes: ReadonlyArray<
    { readonly id: number; readonly callFrame: Position; readonly children?: ReadonlyArray<number> | undefined }
  >
  readonly startTime: number
  readonly endTime: number
  readonly samples?: ReadonlyArray<number> | undefined
  readonly timeDeltas?: ReadonlyArray<number> | undefined
}

/**
 * `HeapProfiler.SamplingHeapProfile` of the inspector's protocol.
 *
 * @category models
 * @since 1.1.0
 */
export interface HeapProfile {
  readonly head: HeapNode
  readonly samples: ReadonlyArray<{ readonly size: number; readonly nodeId: number }>
}

interface HeapNode {
  readonly id: number
  readonly callFrame: Position
  readonly children: ReadonlyArray<HeapNode>
}

const root = "(root)"
const idle = "(idle)"

/**
 * The stacks of a CPU profile with how often each was seen and for how many nanoseconds. Time in which the event loop
 * waited is left out. A sample counts until the next one.
 *
 * @category conversions
 * @since 1.1.0
 */
export const cpuSamples = (profile: CpuProfile): ReadonlyArray<Sample<Position>> => {
  const { endTime, samples = [], startTime, timeDeltas = [] } = profile
  const stackOf = stacks(profile)
  const totals = new Map<number, { count: number; nanos: number }>()
  let at = startTime
  samples.forEach((id, index) => {
    at += timeDeltas[index] ?? 0
    const next = timeDeltas[index + 1] ?? endTime - at
    const total = totals.get(id) ?? { count: 0, nanos: 0 }
    total.count++
    total.nanos += Math.max(0, next) * 1000
    totals.set(id, total)
  })
  return [...totals].flatMap(([id, { count, nanos }]) => {
    const stack = stackOf(id)
    return stack.length === 0 ? [] : [{ stack, values: [count, nanos] }]
  })
}

/**
 * Each sample of a CPU profile with its time, in microseconds. The stack is empty while the event loop waited.
 *
 * @category conversions
 * @since 1.1.0
 */
export const timeline = (
  profile: CpuProfile
): ReadonlyArray<{ readonly at: number; readonly stack: ReadonlyArray<Position> }> => {
  const { samples = [], startTime, timeDeltas = [] } = profile
  const stackOf = stacks(profile)
  let at = startTime
  return samples.map((id, index) => {
    at += timeDeltas[index] ?? 0
    return { at, stack: stackOf(id) }
  })
}

const stacks = ({ nodes }: CpuProfile): (id: number) => ReadonlyArray<Position> => {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const parents = new Map(nodes.flatMap(({ children = [], id }) => children.map((child) => [child, id] as const)))
  return (id) => {
    const stack: Array<Position> = []
    for (let node = byId.get(id); node !== undefined; node = byId.get(parents.get(node.id) ?? -1)) {
      if (node.callFrame.functionName !== root) stack.push(node.callFrame)
    }
    return stack[0]?.functionName === idle ? [] : stack
  }
}

/**
 * The stacks of a heap profile with how many objects they allocated and of how many bytes, as far as the profile has
 * them. `interval` is the mean distance of two samples, in bytes.
 *
 * @category conversions
 * @since 1.1.0
 */
export const heapSamples = (profile: HeapProfile, interval: number): ReadonlyArray<Sample<Position>> => {
  const totals = new Map<number, { objects: number; bytes: number }>()
  const counts = new Map<number, number>()
  for (const { nodeId, size } of profile.samples) {
    const total = totals.get(nodeId) ?? { objects: 0, bytes: 0 }
    const objects = counts.get(size) ?? objectsIn(size, interval)
    counts.set(size, objects)
    total.objects += objects
    total.bytes += size
    totals.set(nodeId, total)
  }
  const found: Array<Sample<Position>> = []
  const walk = ({ callFrame, children, id }: HeapNode, callers: ReadonlyArray<Position>) => {
    const stack = callFrame.functionName === root ? callers : [callFrame, ...callers]
    const total = totals.get(id)
    if (total !== undefined && stack.length > 0) found.push({ stack, values: [total.objects, total.bytes] })
    for (const child of children) walk(child, stack)
  }
  walk(profile.head, [])
  return found
}

/**
 * How many objects one sample of `bytes` stands for.
 *
 * **Details**
 *
 * V8 samples an object of size s with probability p = 1 - exp(-s / interval), counts it as round(1 / p) objects, and
 * tells only the product. Sizes are multiples of 4, so few sizes give that product: the smallest is taken.
 *
 * @category conversions
 * @since 1.1.0
 */
export const objectsIn = (bytes: number, interval: number): number => {
  // A sample weighs at most the interval and a little more than its own size.
  const smallest = Math.max(4, Math.ceil((bytes - interval) * 0.9 / 4) * 4)
  for (let size = smallest; size < bytes; size += 4) {
    if (bytes % size === 0 && Math.round(1 / (1 - Math.exp(-size / interval))) === bytes / size) return bytes / size
  }
  return 1
}
