import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { fstatSync, writeSync } from "node:fs"
import { encode } from "../services/LogEncoder.ts"
import * as LogPretty from "../services/LogPretty.ts"
import { type LogEvent, LogSink } from "../services/LogSink.ts"

/**
 * Where lines are written and how they look.
 *
 * `maxBufferedBytes` bounds what a reader that does not read may cost (default 32 MiB); lines above it are dropped and
 * counted.
 *
 * @category models
 * @since 1.1.0
 */
export interface Options {
  readonly fd: 1 | 2
  readonly pretty: boolean
  readonly colours?: boolean | undefined
  readonly maxBufferedBytes?: number | undefined
}

const batchDelay = 5
const batchBytes = 64 * 1024
const mostEvents = 32
const hotLength = 2 * 1024
const maxBytesPerUnit = 3
const turnBytes = 4 * batchBytes
const maxRetryDelay = 50
const shutdownTimeout = "5 seconds"

/**
 * Writes log lines to standard output or standard error.
 *
 * **Details**
 *
 * Lines wait at most 5 ms for others to share a write. Pipes and sockets are written without blocking: while nobody
 * reads, lines are kept, and those above the bound dropped; once reading goes on, a `WARN` line tells how many. When the
 * reader is gone, lines are dropped and counted. What is left when the scope closes, or when the process exits or
 * crashes, is written on the way out, for as long as it is being read.
 *
 * **Gotchas**
 *
 * Files and terminals are written synchronously, as Node itself does.
 *
 * @category layers
 * @since 1.1.0
 */
export const layer = (options: Options): Layer.Layer<LogSink> =>
  Layer.effect(
    LogSink,
    Effect.gen(function*() {
      const clock = yield* Clock.Clock
      const { dropped, flush, offer } = yield* Effect.acquireRelease(
        Effect.sync(() => makeWriter(options, clock)),
        ({ close, flush }) =>
          Effect.andThen(Effect.timeoutOption(Effect.interruptible(flush), shutdownTimeout), Effect.sync(close))
      )
      return { offer, dropped, flush }
    })
  )

/**
 * Whether a failed write may succeed later: the pipe or the disk is full for now.
 *
 * @category guards
 * @since 1.1.0
 */
export const isTemporary = (error: unknown): boolean =>
  error instanceof Error && "code" in error && temporary.has(String(error.code))

const temporary: ReadonlySet<string> = new Set(["EAGAIN", "EWOULDBLOCK", "EINTR", "ENOBUFS", "ENOSPC", "EDQUOT"])

interface Chunk {
  readonly bytes: Buffer
  readonly lines: number
}

const makeWriter = (
  { colours = false, fd, maxBufferedBytes = 32 * 1024 * 1024, pretty }: Options,
  clock: Clock.Clock
) => {
  let nonBlocking = false
  let events: Array<LogEvent> = []
  let open = ""
  let openLines = 0
  let page = Buffer.alloc(0)
  let pageLines = 0
  let pageStart = 0
  let pageEnd = 0
  const chunks: Array<Chunk> = []
  let offset = 0
  let sealed = 0
  let written = 0

  let timer: NodeJS.Timeout | undefined
  let retryDelay = 1
  let stalled = false
  let gone = false
  let closed = false
  let dropped = 0
  let unreported = 0
  let waiting: ReadonlyArray<{ readonly target: number; readonly resume: () => void }> = []

  const buffered = () => open.length + pageEnd - pageStart + sealed - written

  const schedule = (delay: number) => {
    if (timer !== undefined) return
    timer = setTimeout(wake, delay)
    // log lines keep no process alive unless awaited: the exit hook writes them
    if (waiting.length === 0) timer.unref()
  }

  const unschedule = () => {
    clearTimeout(timer)
    timer = undefined
  }

  const wake = () => {
    timer = undefined
    drain(turnBytes)
  }

  const append = (event: LogEvent) => {
    open += `${pretty ? LogPretty.render(event, { colours }) : event.line}\n`
    openLines++
    if (open.length >= hotLength) encodeOpen()
  }

  // Lines are read, and so written, many at a time: between two requests the code and the texts they are made of are no
  // longer in the processor's cache, and here they are fetched once for all.
  const appendEvents = () => {
    const some = events
    events = []
    for (const event of some) {
      if (unreported > 0 || buffered() + event.line.length >= maxBufferedBytes) {
        drop()
        // One line may be too long by itself.
        report()
      } else append(event)
    }
  }

  const drop = () => {
    dropped++
    unreported++
  }

  // A text is made flat when it is encoded. Done after a few lines, their parts are still in the processor's cache; done
  // once per write it costs five times as much.
  const encodeOpen = () => {
    const longest = open.length * maxBytesPerUnit
    if (longest > page.length - pageEnd) {
      seal()
      page = Buffer.allocUnsafeSlow(Math.max(batchBytes, longest))
      pageStart = 0
      pageEnd = 0
    }
    pageEnd += page.write(open, pageEnd)
    pageLines += openLines
    open = ""
    openLines = 0
  }

  const seal = () => {
    if (pageLines === 0) return
    const bytes = page.subarray(pageStart, pageEnd)
    chunks.push({ bytes, lines: pageLines })
    sealed += bytes.length
    pageStart = pageEnd
    pageLines = 0
  }

  const sealAll = () => {
    appendEvents()
    if (openLines > 0) encodeOpen()
    seal()
  }

  const report = () => {
    if (unreported === 0 || buffered() > maxBufferedBytes / 2) return
    const timestamp = clock.currentTimeMillisUnsafe()
    const count = unreported
    unreported = 0
    const message = `dropped ${count} log events: ${fd === 1 ? "stdout" : "stderr"} was not read`
    append({
      timestamp,
      level: "Warn",
      line: encode({ timestamp, level: "Warn", message, annotations: { dropped: count } })
    })
  }

  const settle = () => {
    const done = waiting.filter(({ target }) => gone || target <= written)
    if (done.length === 0) return
    waiting = waiting.filter((waiter) => !done.includes(waiter))
    for (const { resume } of done) resume()
  }

  const abandon = () => {
    gone = true
    dropped += events.length + openLines + pageLines + chunks.reduce((sum, { lines }) => sum + lines, 0)
    const [first] = chunks
    if (first !== undefined && offset > 0) dropped -= Math.max(0, first.lines - countLines(first.bytes, offset))
    events = []
    open = ""
    openLines = 0
    pageLines = 0
    pageStart = pageEnd
    chunks.length = 0
    written = sealed
    unschedule()
    settle()
  }

  const drain = (limit: number): void => {
    if (!nonBlocking) {
      makeNonBlocking(fd)
      nonBlocking = true
    }
    let left = limit
    while (left > 0) {
      report()
      if (chunks.length === 0) sealAll()
      const [first] = chunks
      if (first === undefined) break
      try {
        const count = writeSync(fd, first.bytes, offset)
        left -= count
        written += count
        offset += count
      } catch (error) {
        if (!isTemporary(error)) return abandon()
        stalled = true
        schedule(retryDelay)
        retryDelay = Math.min(retryDelay * 2, maxRetryDelay)
        return settle()
      }
      stalled = false
      retryDelay = 1
      if (offset === first.bytes.length) {
        chunks.shift()
        offset = 0
      }
    }
    if (events.length > 0 || buffered() > 0) schedule(0)
    settle()
  }

  const leave = () => {
    closed = true
    for (let idle = 0, pauses = 0; idle < 1000 && pauses < 5000;) {
      const before = written
      drain(Infinity)
      if (buffered() === 0) break
      idle = written === before ? idle + 1 : 0
      pauses++
      Atomics.wait(pause, 0, 0, 1)
    }
    unschedule()
  }

  process.on("exit", leave)

  return {
    offer: (event: LogEvent) => {
      if (gone) {
        dropped++
      } else if (unreported > 0) {
        drop()
        schedule(batchDelay)
      } else {
        if (events.push(event) >= mostEvents) appendEvents()
        if (!stalled && (closed || chunks.length > 0)) drain(batchBytes)
        else schedule(batchDelay)
      }
    },
    dropped: () => dropped,
    flush: Effect.callback<void>((resume) => {
      sealAll()
      drain(turnBytes)
      const waiter = { target: sealed, resume: () => resume(Effect.void) }
      waiting = [...waiting, waiter]
      timer?.ref()
      settle()
      return Effect.sync(() => {
        waiting = waiting.filter((other) => other !== waiter)
      })
    }),
    close: () => {
      leave()
      if (buffered() > 0) abandon()
      process.off("exit", leave)
    }
  }
}

const pause = new Int32Array(new SharedArrayBuffer(4))

const countLines = (bytes: Buffer, from: number): number => {
  let count = 0
  for (let index = bytes.indexOf(10, from); index !== -1; index = bytes.indexOf(10, index + 1)) count++
  return count
}

// Node's getters set O_NONBLOCK on pipes and sockets. Without it a write that nobody reads would block the event loop,
// and one on the thread pool would keep the process from exiting: Node joins its threads first.
const makeNonBlocking = (fd: 1 | 2) => {
  const stats = fstatSync(fd)
  if (stats.isFIFO() || stats.isSocket()) Reflect.get(process, fd === 1 ? "stdout" : "stderr")
}
