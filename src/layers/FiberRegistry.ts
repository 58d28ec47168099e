import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Scheduler from "effect/Scheduler"
import { Fibers, type LiveFiber } from "../services/Fibers.ts"
import { type Levels, LogLevels } from "../services/LogLevels.ts"
import { adjust } from "./LogLevels.ts"

/**
 * Counts live fibers, and keeps a list of them unless told not to; provide it below everything whose fibers matter.
 *
 * **Details**
 *
 * Effect tells of each fiber's start and end, but not which: the scheduler sees it at its first operation. A list entry
 * costs a fork about 0.1 µs; what does not fork costs nothing. The scheduler also tells fibers of a changed log level.
 *
 * @category layers
 * @since 1.1.0
 */
export const layer = (options: { readonly list: boolean }): Layer.Layer<never> =>
  Layer.effectContext(Effect.map(LogLevels, (levels) => {
    const registry = new Registry()
    const root = Fiber.getCurrent()
    if (root !== undefined) registry.adoptRoot(root)
    const counting = Context.make(Metric.FiberRuntimeMetrics, registry).pipe(
      Context.add(Fibers, { live: () => registry.live, list: options.list ? () => registry.list() : undefined })
    )
    return Context.add(
      counting,
      Scheduler.Scheduler,
      new ObservingScheduler(levels, options.list ? registry : undefined)
    )
  }))

class Registry implements Metric.FiberRuntimeMetricsService {
  live = 0
  readonly fibers = new Map<Fiber.Fiber<unknown, unknown>, number>()
  private uncounted = 0

  recordFiberStart() {
    this.live++
  }

  recordFiberEnd() {
    this.live--
  }

  adoptNew(fiber: Fiber.Fiber<unknown, unknown>) {
    if (this.live > this.fibers.size) this.adopt(fiber)
  }

  private adopt(fiber: Fiber.Fiber<unknown, unknown>) {
    if (this.fibers.has(fiber)) return
    this.fibers.set(fiber, Date.now())
    fiber.addObserver(() => this.fibers.delete(fiber))
    // It began before this layer, so its start was not recorded, nor will its end be.
    if (fiber.id > this.uncounted) return
    this.recordFiberStart()
    fiber.addObserver(() => this.recordFiberEnd())
  }

  adoptRoot(root: Fiber.Fiber<unknown, unknown>) {
    this.uncounted = root.id
    this.adopt(root)
  }

  list(): ReadonlyArray<LiveFiber> {
    return Array.from(this.fibers, ([fiber, since]) => ({ fiber, since }))
  }
}

class ObservingScheduler extends Scheduler.MixedScheduler {
  private readonly levels: Levels
  private readonly registry: Registry | undefined

  constructor(levels: Levels, registry: Registry | undefined) {
    super()
    this.levels = levels
    this.registry = registry
  }

  override shouldYield(fiber: Fiber.Fiber<unknown, unknown>): boolean {
    if (fiber.currentOpCount === 1) this.registry?.adoptNew(fiber)
    if (this.levels.changed) adjust(fiber, this.levels)
    return super.shouldYield(fiber)
  }
}
