import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Backlog from "../services/Backlog.ts"
import { classify } from "../services/DeliveryError.ts"
import { droppedOf, Ledger } from "../services/Ledger.ts"
import * as LogBatch from "../services/LogBatch.ts"
import { encode } from "../services/LogEncoder.ts"
import * as LogPack from "../services/LogPack.ts"
import { type LogEvent, LogSink } from "../services/LogSink.ts"
import * as TraceContext from "../services/TraceContext.ts"
import type { CloudWatchLogs, Target } from "./CloudWatchLogs.ts"
import * as DeliveryReport from "./DeliveryReport.ts"
import * as LazyClient from "./LazyClient.ts"
import * as Shipper from "./Shipper.ts"
import { Unacknowledged } from "./Unacknowledged.ts"

/**
 * The log stream to write to, and what may differ from {@link Shipper.defaults}.
 *
 * **Details**
 *
 * `stream` must be this process run's own: `LogBatch.streamName` makes such a name. `boot` tells the run's events from
 * those of others (default: random). `retentionDays` is set on a group that this sink had to create itself.
 * `maxEventBytes` is smaller in Regions that still take 256 KB at most: 262118 there. A batch leaves with `batchBytes`
 * (default 1 MiB).
 *
 * @category models
 * @since 1.1.0
 */
export interface Options extends Target {
  readonly boot?: string | undefined
  readonly maxBufferedBytes?: number | undefined
  readonly maxEventBytes?: number | undefined
  readonly batchBytes?: number | undefined
  readonly flushInterval?: Duration.Input | undefined
  readonly requestTimeout?: Duration.Input | undefined
  readonly drainDeadline?: Duration.Input | undefined
  readonly parallel?: number | undefined
}

/**
 * Delivers log events straight to CloudWatch Logs, through a {@link Shipper}: nothing is lost while the buffer holds.
 *
 * **Details**
 *
 * The AWS SDK is loaded with the first batch. Log group and stream are created when CloudWatch says that they are
 * missing, also in the middle of a run; nothing is ever described. The role needs `logs:PutLogEvents` and
 * `logs:CreateLogStream`; for a group that does not exist yet `logs:CreateLogGroup` too. Each event carries `boot` and
 * `seq`, see `LogBatch.makeRun`. What had to be dropped is told by a `WARN` event once delivery works again.
 *
 * @category layers
 * @since 1.1.0
 */
export const layer = (options: Options): Layer.Layer<LogSink, never, Ledger> => Layer.effect(LogSink, make(options))

/**
 * A random name of a process run. It is in every event, so it is short: the stream's name tells runs apart for sure.
 *
 * @category constructors
 * @since 1.1.0
 */
export const newBoot = (): string => TraceContext.nextSpanId().slice(0, 8)

const connectToAws = async (target: Target) => {
  const { make } = await import("./CloudWatchLogs.ts")
  return make(target)
}

/**
 * Makes the sink of {@link layer}; `connect` stands for AWS in simulations.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = Effect.fnUntraced(function*(
  options: Options,
  connect: (target: Target) => Promise<CloudWatchLogs> = connectToAws
) {
  const account = yield* Effect.flatMap(Ledger, (ledger) => ledger.open("logs"))
  const clock = yield* Clock.Clock
  const { boot = newBoot(), maxEventBytes: maxBytes } = options
  const client = yield* LazyClient.make((previous: CloudWatchLogs | undefined) =>
    connect({ ...options, systemClockOffset: previous?.systemClockOffset() })
  )
  const onFailure = yield* DeliveryReport.make(account)
  const run = LogBatch.makeRun({ boot, maxBytes, now: () => clock.currentTimeMillisUnsafe() })
  let lastSeq = 0

  let created = 0
  let creating: Promise<void> | undefined
  // How often the retention was due, while a group that was created here is without.
  let due: number | undefined

  const retain = async (logs: CloudWatchLogs, signal: AbortSignal) => {
    if (due === undefined) return
    const times = due + 1
    due = times
    // The 1st, 2nd, 4th, 8th … time: a role that may not set it would be refused with every put.
    if ((times & (times - 1)) !== 0) return
    due = undefined
    try {
      await logs.setRetention(signal)
    } catch {
      due = times
      account.failedRequests++
    }
  }

  const create = async (logs: CloudWatchLogs, signal: AbortSignal) => {
    try {
      await tolerate(logs.createStream(signal))
    } catch (error) {
      if (classify(error).kind !== "missing") throw error
      if (await tolerate(logs.createGroup(signal))) due = 0
      await retain(logs, signal)
      await tolerate(logs.createStream(signal))
    }
    created++
  }

  const put = async (logs: CloudWatchLogs, events: ReadonlyArray<LogBatch.Entry>, signal: AbortSignal) => {
    const before = created
    void retain(logs, signal)
    try {
      return await logs.put(events, run.finish, signal)
    } catch (error) {
      if (classify(error).kind !== "missing") throw error
      // Several batches may find the stream missing; one of them creates it.
      if (created === before) {
        await (creating ??= Promise.race([create(logs, signal), aborted(signal)]).catch((error: unknown) => {
          throw LazyClient.unsent(error)
        }).finally(() => {
          creating = undefined
        }))
      }
      return logs.put(events, run.finish, signal)
    }
  }

  const send = (batch: ReadonlyArray<LogBatch.Entry>) =>
    client.use(async (logs, signal) => {
      const { events, rejected } = LogBatch.prepare(batch, {
        now: clock.currentTimeMillisUnsafe(),
        skew: logs.skew()
      })
      if (events.length === 0) return rejected
      const { $metadata, rejectedLogEventsInfo } = await put(logs, events, signal)
      if ($metadata.requestId === undefined) throw new Unacknowledged()
      return LogBatch.addUp(rejected, LogBatch.rejections(events.length, rejectedLogEventsInfo))
    })

  const shipper = yield* Shipper.make<LogBatch.Entry>({
    ...options,
    account,
    limits: {
      bytes: Math.min(options.batchBytes ?? LogBatch.limits.batchBytes, LogBatch.limits.batchBytes),
      items: LogBatch.limits.batchEvents,
      span: LogBatch.limits.span
    },
    send,
    pack: LogPack.pack,
    onFailure,
    // What tells of a loss is the last to be dropped.
    gapItem: (gap) => ({
      ...run.whole(gapEvent(gap, clock.currentTimeMillisUnsafe()), ++lastSeq),
      priority: LogBatch.priorityCount - 1
    })
  })

  const sink: LogSink["Service"] = {
    offer: (event) => run.each(event, ++lastSeq, shipper.offer),
    dropped: () => droppedOf(account),
    flush: shipper.flush
  }
  return sink
})

const gapEvent = ({ count, from, to }: Backlog.Gap, timestamp: number): LogEvent => ({
  timestamp,
  level: "Warn",
  line: encode({
    timestamp,
    level: "Warn",
    message: `dropped ${count} log events: the buffer was full`,
    annotations: {
      dropped: count,
      reasons: { overflow: count },
      from: new Date(from).toISOString(),
      to: new Date(to).toISOString()
    }
  })
})

// What hangs where it does not hear of the signal must not hold up who waits for the same stream.
const aborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(new Error("no answer in time")), { once: true })
  })

// Somebody else created it, or is about to.
const harmless = new Set(["ResourceAlreadyExistsException", "OperationAbortedException"])

const tolerate = async (request: Promise<unknown>): Promise<boolean> => {
  try {
    await request
    return true
  } catch (error) {
    if (error instanceof Error && harmless.has(error.name)) return false
    throw error
  }
}
