import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Tracer from "effect/Tracer"
import type { FiberState } from "../services/FiberDump.ts"
import { Fibers } from "../services/Fibers.ts"
import type { Frame } from "../services/Pprof.ts"
import { Operation } from "../services/TraceContext.ts"
import * as FiberStacks from "./FiberStacks.ts"
import * as SourceMaps from "./SourceMaps.ts"

/** V8 is asked about so many fibers at most: the process stands still for the time. */
const mostLookedAt = 1_000

/**
 * Looks at every live fiber; `undefined` where no list of them is kept.
 *
 * @category constructors
 * @since 1.1.0
 */
export const take: Effect.Effect<ReadonlyArray<FiberState> | undefined> = Effect.gen(function*() {
  const list = (yield* Fibers)?.list
  if (list === undefined) return undefined
  const now = yield* Clock.currentTimeMillis
  const running = Fiber.getCurrent()
  const fibers = list()
  const known = fibers.map(({ fiber, since }) => ({
    id: fiber.id,
    running: fiber === running,
    age: Math.max(0, now - since),
    ...aboutSpan(fiber.cache.span)
  }))
  // The newest: where there are more, some of them should have ended.
  const first = Math.max(0, fibers.length - mostLookedAt)
  const positions = FiberStacks.read(fibers.slice(first).map(({ fiber }) => fiber))
  const frames = yield* Effect.promise(() => SourceMaps.resolve(positions.flat()))
  let used = 0
  return known.map((fiber, index) => {
    const length = positions[index - first]?.length
    if (length === undefined) return { ...fiber, stack: undefined }
    used += length
    return { ...fiber, stack: withoutEffect(frames.slice(used - length, used)) }
  })
})

/**
 * How many fibers are alive, where they are counted.
 *
 * @category getters
 * @since 1.1.0
 */
export const count: Effect.Effect<number | undefined> = Effect.map(Effect.service(Fibers), (fibers) => fibers?.live())

// Effect's own frames say how, not where.
const withoutEffect = (stack: ReadonlyArray<Frame>): ReadonlyArray<Frame> => {
  const app = stack.filter(({ file }) => !/node_modules[\\/](@effect|effect)[\\/]/.test(file))
  return app.length === 0 ? stack : app
}

const aboutSpan = (span: Tracer.AnySpan | undefined): Pick<FiberState, "span" | "operation" | "traceId"> => {
  if (span === undefined) return {}
  let outermost = span
  while (outermost._tag === "Span" && Option.isSome(outermost.parent)) outermost = outermost.parent.value
  return {
    span: span._tag === "Span" ? span.name : undefined,
    operation: Context.get(outermost.annotations, Operation),
    traceId: span.traceId
  }
}
