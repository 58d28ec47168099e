import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Backlog from "../services/Backlog.ts"
import * as Backoff from "../services/Backoff.ts"
import { DeliveryError } from "../services/DeliveryError.ts"
import type { Account, Rejection } from "../services/Ledger.ts"
import type { Pack } from "../services/Spool.ts"

/**
 * What an acknowledged request did not take, by reason.
 *
 * @category models
 * @since 1.1.0
 */
export type Receipt = Partial<Record<Rejection, number>>

/**
 * Where items go and what one request may carry.
 *
 * **Details**
 *
 * `send` is one attempt at one request. With `ambiguous: "drop"`, items that an unanswered request may have delivered are
 * not sent again. `gapItem` makes the item that tells of dropped ones.
 *
 * @category models
 * @since 1.1.0
 */
export interface Options<I extends Backlog.Item> {
  readonly account: Account
  readonly limits: Backlog.Limits
  readonly send: (batch: ReadonlyArray<I>) => Effect.Effect<Receipt, DeliveryError>
  readonly gapItem?: ((gap: Backlog.Gap) => I) | undefined
  readonly ambiguous?: "retry" | "drop" | undefined
  readonly maxBufferedBytes?: number | undefined
  readonly flushInterval?: Duration.Input | undefined
  readonly requestTimeout?: Duration.Input | undefined
  readonly drainDeadline?: Duration.Input | undefined
  readonly parallel?: number | undefined
  /** How items of one priority are kept while they cannot be delivered. */
  readonly pack?: Pack<I> | undefined
  /** Called when delivery begins to fail, with the reason, and without one when it works again. */
  readonly onFailure?: ((reason: string | undefined) => void) | undefined
}

/**
 * An engine that delivers what it is offered.
 *
 * `offer` never blocks and never throws. `flush` ends when everything offered before it was delivered or given up.
 *
 * @category models
 * @since 1.1.0
 */
export interface Shipper<I extends Backlog.Item> {
  readonly offer: (item: I) => void
  readonly flush: Effect.Effect<void>
}

/**
 * What {@link make} takes where its options say nothing.
 *
 * @category constants
 * @since 1.1.0
 */
export const defaults = {
  maxBufferedBytes: 32 * 1024 * 1024,
  flushInterval: Duration.seconds(1),
  requestTimeout: Duration.seconds(10),
  drainDeadline: Duration.seconds(10),
  parallel: 4
}

const drainBackoff = 1_000
// A buffer so full is not just a burst.
const stuckShare = 0.75
// Attempts in a row that fail before delivery counts as failing: an account that is shared throttles now and then.
const tolerated = { throttle: 5, other: 2 }
// What a success takes off a flush interval that throttling made longer.
const recovering = 0.9
// So many refusals in a row mean that the requests are wrong, not the items: those are kept then.
const suspicious = 8

interface Batch<I> {
  readonly items: ReadonlyArray<I>
  repeated: boolean
}

/**
 * Starts an engine that lives until the scope closes.
 *
 * **Details**
 *
 * A batch leaves when it is full or `flushInterval` after its first item; `parallel` batches are on their way at once.
 * Throttling makes that interval longer, up to 30 seconds, successes shorten it again, so that a fleet finds the rate
 * its account allows.
 * What fails is tried again, for as long as the process lives, after the delays of `Backoff`; a success anywhere ends
 * all waiting but that for a throttle. A batch that is refused as invalid is halved until the one bad item is found. While nothing gets
 * through, items of at most `maxBufferedBytes`, those on their way included, are kept.
 *
 * When the scope closes, everything is sent at once and tried until `drainDeadline`; what is left then is counted as
 * dropped. Every item is on the account at every instant.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = Effect.fnUntraced(function*<I extends Backlog.Item>(options: Options<I>) {
  const { account, ambiguous = "retry", gapItem, limits, onFailure, pack, send } = options
  const maxBufferedBytes = options.maxBufferedBytes ?? defaults.maxBufferedBytes
  const shortestInterval = Duration.toMillis(options.flushInterval ?? defaults.flushInterval)
  const requestTimeout = Duration.fromInputUnsafe(options.requestTimeout ?? defaults.requestTimeout)
  const drainDeadline = options.drainDeadline ?? defaults.drainDeadline

  const isStuck = () => account.failure !== undefined || account.bufferedBytes > maxBufferedBytes * stuckShare
  const backlog = Backlog.make({ account, limits, maxBytes: maxBufferedBytes, pack, packing: isStuck })
  const permits = Semaphore.makeUnsafe(options.parallel ?? defaults.parallel)
  const queued = Latch.makeUnsafe(false)
  const due = Latch.makeUnsafe(false)
  const healed = Latch.makeUnsafe(false)
  const ending = Latch.makeUnsafe(false)
  const wakeQueued = makeWaker(queued)
  const wakeDue = makeWaker(due)
  const underWay = new Set<number>()
  let flushing: ReadonlyArray<{ readonly upTo: number; readonly resume: () => void }> = []
  let refusals = 0
  let retrying = 0
  let interval = shortestInterval
  let closing = false
  let closed = false

  const isUrgent = () => closing || flushing.length > 0

  const offer = (item: I): boolean => {
    if (closed) {
      account.offered++
      account.dropped.afterClose++
      return false
    }
    if (!backlog.admit(item)) return false
    if (account.buffered === 1) wakeQueued()
    if (backlog.isFull()) wakeDue()
    return true
  }

  const acknowledge = (items: ReadonlyArray<I>, receipt: Receipt) => {
    backlog.leave(items)
    let refused = 0
    for (const [reason, count] of Object.entries(receipt)) {
      account.rejected[reason as Rejection] += count
      refused += count
    }
    const delivered = items.length - refused
    account.delivered += delivered
    // What is refused as a whole may never have been sent, and proves nothing.
    if (delivered > 0) heal()
    const gap = gapItem === undefined ? undefined : backlog.takeGap()
    if (gap !== undefined && gapItem !== undefined && !offer(gapItem(gap))) backlog.widen(gap)
  }

  const heal = () => {
    refusals = 0
    interval = Math.max(shortestInterval, interval * recovering)
    if (account.failure !== undefined) {
      account.failure = undefined
      onFailure?.(undefined)
    }
    release(healed)
  }

  const isLost = (error: DeliveryError) => error.ambiguous && ambiguous === "drop"

  const failed = (error: DeliveryError, attempts: number) => {
    const { kind, message } = error
    account.failedRequests++
    if (!isLost(error) && attempts < (kind === "throttle" ? tolerated.throttle : tolerated.other)) return
    account.failure = message
    onFailure?.(message)
  }

  const attempt = (items: ReadonlyArray<I>) =>
    Effect.suspend(() => {
      account.requests++
      return send(items)
    }).pipe(
      Effect.timeoutOrElse({ duration: requestTimeout, orElse: () => Effect.fail(unanswered(requestTimeout)) })
    )

  const pause = (kind: DeliveryError["kind"], attempts: number) =>
    Effect.flatMap(Random.next, (random) => {
      const delay = Backoff.delay(kind, attempts, random)
      const waited = Effect.sleep(Duration.millis(closing ? Math.min(delay, drainBackoff) : delay))
      if (kind === "throttle") interval = Math.min(Backoff.longest, interval * 2)
      retrying++
      return Effect.ensuring(
        Effect.raceFirst(waited, kind === "throttle" ? ending.await : healed.await),
        Effect.sync(() => {
          retrying--
        })
      )
    })

  const deliver = (batch: Batch<I>): Effect.Effect<void> =>
    Effect.gen(function*() {
      const { items } = batch
      for (let attempts = 1;; attempts++) {
        const result = yield* Effect.result(attempt(items))
        if (Result.isSuccess(result)) return acknowledge(items, result.success)
        const error = result.failure
        if (isLost(error)) {
          backlog.leave(items)
          account.dropped.ambiguous += items.length
          return failed(error, attempts)
        }
        failed(error, attempts)
        if (error.ambiguous) {
          if (!batch.repeated) account.repeated += items.length
          batch.repeated = true
        }
        if (error.kind === "invalid" && refusals < suspicious) {
          if (items.length === 1) {
            refusals++
            backlog.leave(items)
            account.rejected.invalid++
            return
          }
          const half = items.length >> 1
          yield* deliver({ items: items.slice(0, half), repeated: batch.repeated })
          return yield* deliver({ items: items.slice(half), repeated: batch.repeated })
        }
        yield* pause(error.kind === "invalid" ? "auth" : error.kind, attempts)
      }
    })

  const settle = () => {
    if (flushing.length === 0) return
    const unsettled = closed ? Infinity : Math.min(backlog.oldest(), ...underWay)
    const done = flushing.filter(({ upTo }) => upTo < unsettled)
    flushing = flushing.filter(({ upTo }) => upTo >= unsettled)
    for (const { resume } of done) resume()
  }

  const workers = yield* Scope.make()
  const dispatch = Effect.gen(function*() {
    yield* queued.await
    // While something waits to be tried again, only a full batch is worth a request of its own.
    while (!isUrgent()) {
      if (!backlog.isFull()) Latch.closeUnsafe(due)
      yield* Effect.raceFirst(Effect.sleep(Duration.millis(interval)), due.await)
      if (backlog.isFull() || retrying === 0) break
    }
    yield* Semaphore.take(permits, 1)
    const { from, items } = backlog.cut()
    if (account.buffered === 0) Latch.closeUnsafe(queued)
    underWay.add(from)
    yield* deliver({ items, repeated: false }).pipe(
      Effect.when(Effect.sync(() => items.length > 0)),
      Effect.andThen(Effect.suspend(() => {
        underWay.delete(from)
        settle()
        return Semaphore.release(permits, 1)
      })),
      Effect.forkIn(workers)
    )
  })
  yield* Effect.forkIn(Effect.forever(dispatch), workers)

  const flush = Effect.callback<void>((resume) => {
    flushing = [...flushing, { upTo: backlog.newest(), resume: () => resume(Effect.void) }]
    wakeDue()
    // Who waits for it may have little time: what was to be tried again later is tried now.
    release(healed)
    settle()
  })

  yield* Effect.addFinalizer(() =>
    Effect.gen(function*() {
      closing = true
      Latch.openUnsafe(due)
      release(healed)
      release(ending)
      const drained = yield* flush.pipe(
        Effect.repeat({ while: () => account.buffered + account.inFlight > 0 }),
        Effect.forkDetach
      )
      yield* Effect.timeoutOption(Fiber.await(drained), drainDeadline)
      closed = true
      drained.interruptUnsafe()
      yield* Scope.close(workers, Exit.void)
      account.dropped.deadline += account.buffered + account.inFlight
      account.buffered = 0
      account.inFlight = 0
      account.bufferedBytes = 0
      settle()
    })
  )
  return { offer: (item) => void offer(item), flush } satisfies Shipper<I>
})

// A fiber that waits runs on inside the call that opens its latch, and that may be an app's log call.
const makeWaker = (latch: Latch.Latch) => {
  let waking = false
  const open = () => {
    waking = false
    Latch.openUnsafe(latch)
  }
  return () => {
    if (waking || Latch.isOpen(latch)) return
    waking = true
    queueMicrotask(open)
  }
}

const release = (latch: Latch.Latch) => {
  Latch.openUnsafe(latch)
  Latch.closeUnsafe(latch)
}

const unanswered = (timeout: Duration.Duration) =>
  new DeliveryError({
    kind: "transient",
    ambiguous: true,
    message: `no answer within ${Duration.format(timeout)}`,
    cause: undefined
  })
