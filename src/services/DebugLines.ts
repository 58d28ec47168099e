import * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import { encode } from "./LogEncoder.ts"
import type { LogEvent } from "./LogSink.ts"

/**
 * The lines of one request that are below the log level: kept until it is known whether it fails.
 *
 * `flush` gives them to the log, oldest first and marked, `discard` forgets them; after `discard` nothing is kept.
 *
 * @category models
 * @since 1.1.0
 */
export interface RequestLines {
  readonly add: (event: LogEvent) => void
  readonly flush: () => void
  readonly discard: () => void
}

/**
 * The lines kept for the request that a fiber works for; `undefined` where none are kept.
 *
 * @category references
 * @since 1.1.0
 */
export const DebugLines = Context.Reference<RequestLines | undefined>("keelson/services/DebugLines", {
  defaultValue: () => undefined
})

/**
 * What may be kept: of one request, and of all together. Sizes are UTF-16 units, as a text's length.
 *
 * @category models
 * @since 1.1.0
 */
export interface Bounds {
  readonly lines: number
  readonly size: number
  readonly total: number
}

/**
 * The bounds unless others are given: 100 lines and 64 KiB a request, 8 MiB in all.
 *
 * @category constants
 * @since 1.1.0
 */
export const bounds: Bounds = { lines: 100, size: 64 * 1024, total: 8 * 1024 * 1024 }

const dropped = Metric.counter("keelson_debug_lines_dropped_total", {
  description: "Kept lines below the log level that had to make room",
  incremental: true
})

/**
 * Makes what keeps the lines of requests: `begin` is called once for each, and costs an object.
 *
 * **Details**
 *
 * Where a bound is met, the oldest lines go: of the request, or of the request that has kept some for longest. What
 * a request lost is said before its lines, and counted in `keelson_debug_lines_dropped_total`.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = (
  options: {
    readonly offer: (event: LogEvent) => void
    readonly context: Context.Context<never>
    readonly bounds?: Bounds | undefined
  }
): { readonly begin: () => RequestLines; readonly total: () => number } => {
  const { lines: mostLines, size: mostSize, total: mostTotal } = options.bounds ?? bounds
  const keeping = new Set<Kept>()
  const all = { size: 0 }

  class Kept implements RequestLines {
    events: Array<LogEvent> = []
    size = 0
    lost = 0
    open = true

    add(event: LogEvent): void {
      if (!this.open) return
      if (this.events.length === 0) keeping.add(this)
      this.events.push(event)
      this.resize(event.line.length)
      while (this.events.length > mostLines || this.size > mostSize) this.dropOldest()
      for (const longest of keeping) {
        while (all.size > mostTotal && longest.events.length > 0) longest.dropOldest()
        if (all.size <= mostTotal) break
      }
    }

    dropOldest(): void {
      const oldest = this.events.shift()
      if (oldest === undefined) return
      this.lost++
      this.resize(-oldest.line.length)
      if (this.events.length === 0) keeping.delete(this)
      dropped.updateUnsafe(1, options.context)
    }

    resize(by: number): void {
      this.size += by
      all.size += by
    }

    take(): ReadonlyArray<LogEvent> {
      const { events } = this
      this.events = []
      this.resize(-this.size)
      keeping.delete(this)
      return events
    }

    flush(): void {
      const events = this.take()
      const [first] = events
      if (this.lost > 0) {
        const timestamp = first?.timestamp ?? Date.now()
        const message = `lines below the log level that were dropped before these: ${this.lost}`
        const annotations = { dropped: this.lost }
        options.offer(
          marked({ timestamp, level: "Debug", line: encode({ timestamp, level: "Debug", message, annotations }) })
        )
        this.lost = 0
      }
      for (const event of events) options.offer(marked(event))
    }

    discard(): void {
      this.open = false
      if (this.events.length > 0) this.take()
    }
  }

  return { begin: () => new Kept(), total: () => all.size }
}

const marked = ({ level, line, timestamp }: LogEvent): LogEvent => ({
  timestamp,
  level,
  line: `${line.slice(0, -1)},"buffered":true}`
})
