import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Clock, Deferred, Effect, Exit, Fiber, Random, Schema, Scope } from "effect"
import { TestClock } from "effect/testing"
import { setImmediate } from "node:timers/promises"
import * as Shipper from "../../src/layers/Shipper.ts"
import type * as Backlog from "../../src/services/Backlog.ts"
import { DeliveryError, type Kind } from "../../src/services/DeliveryError.ts"
import * as Ledger from "../../src/services/Ledger.ts"

const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000)
const [second, hour] = [1000, 3_600_000]

interface Item extends Backlog.Item {
  readonly id: number
  readonly told?: Backlog.Gap
}

type Answer = Effect.Effect<Shipper.Receipt, DeliveryError>

interface Call {
  readonly items: ReadonlyArray<Item>
  readonly at: number
  readonly answered: Deferred.Deferred<Shipper.Receipt, DeliveryError>
  open: boolean
  unanswered: boolean
}

type Options = Partial<Omit<Shipper.Options<Item>, "account" | "send" | "limits">> & {
  readonly limits?: Partial<Shipper.Options<Item>["limits"]>
  /** Answers a request at once, unless it gives nothing. */
  readonly answer?: (items: ReadonlyArray<Item>) => Answer | undefined
}

const taken: Answer = Effect.succeed({})

const failure = (kind: Kind, ambiguous = false) => new DeliveryError({ kind, ambiguous, message: kind, cause: kind })

const fails = (kind: Kind, ambiguous = false): Answer => Effect.fail(failure(kind, ambiguous))

const settle = Effect.andThen(TestClock.adjust(0), Effect.promise(() => setImmediate()))

const setUp = Effect.fnUntraced(function*(options: Options = {}) {
  const clock = yield* Clock.Clock
  const account = Ledger.makeAccount("test")
  const scope = yield* Scope.make()
  const calls: Array<Call> = []
  const gaps: Array<Backlog.Gap> = []
  const broken = new Set<string>()
  const limits = { bytes: 1_000, items: 100, ...options.limits }
  const parallel = options.parallel ?? Shipper.defaults.parallel
  let created = 0
  let offering = false

  const expect = (condition: boolean, rule: string) => {
    if (!condition) broken.add(rule)
  }
  const open = () => calls.filter(({ open }) => open)
  const check = () => {
    expect(Ledger.unaccounted(account) === 0, "every item is on the account")
    expect(account.bufferedBytes <= (options.maxBufferedBytes ?? Infinity), "the bytes are bounded")
    expect(open().length <= parallel, "requests at once are bounded")
    const counts = [account.buffered, account.inFlight, account.bufferedBytes, Ledger.droppedOf(account)]
    expect(counts.every((count) => count >= 0), "no count is negative")
  }
  const checkBatch = (items: ReadonlyArray<Item>) => {
    const bytes = items.reduce((total, { bytes }) => total + bytes, 0)
    const timestamps = items.map(({ timestamp }) => timestamp)
    const span = Math.max(...timestamps) - Math.min(...timestamps)
    expect(items.length > 0, "no request is empty")
    expect(items.length <= limits.items, "items of a batch are bounded")
    expect(items.length === 1 || bytes <= limits.bytes, "bytes of a batch are bounded")
    expect(items.length === 1 || span < (limits.span ?? Infinity), "the span of a batch is bounded")
  }

  const shipper = yield* Shipper.make<Item>({
    requestTimeout: "1 hour",
    ...options,
    account,
    limits,
    gapItem: (gap) => {
      gaps.push(gap)
      return options.gapItem?.(gap) ?? { id: -gaps.length, bytes: 10, timestamp: gap.to, priority: 2, told: gap }
    },
    send: (items) => {
      expect(!offering, "nothing is sent while an item is offered")
      const at = clock.currentTimeMillisUnsafe()
      const call: Call = { items, at, answered: Deferred.makeUnsafe(), open: true, unanswered: false }
      calls.push(call)
      checkBatch(items)
      check()
      return (options.answer?.(items) ?? Deferred.await(call.answered)).pipe(
        Effect.onInterrupt(() =>
          Effect.sync(() => {
            call.unanswered = true
          })
        ),
        Effect.ensuring(Effect.sync(() => {
          call.open = false
          check()
        }))
      )
    }
  }).pipe(Scope.provide(scope))

  const assertRules = Effect.sync(() => {
    check()
    assert.deepStrictEqual([...broken], [])
  })
  const offer = (more: Partial<Item> = {}) => {
    const item = { id: ++created, bytes: 10, timestamp: clock.currentTimeMillisUnsafe(), priority: 1, ...more }
    const { inFlight } = account
    offering = true
    shipper.offer(item)
    offering = false
    expect(account.inFlight === inFlight, "no batch is made while an item is offered")
    check()
    return item
  }
  const advance = Effect.fnUntraced(function*(millis: number) {
    yield* settle
    yield* TestClock.adjust(millis)
    yield* settle
    yield* assertRules
  })
  return {
    account,
    calls,
    gaps,
    open,
    offer,
    offerMany: (count: number, more: Partial<Item> = {}) => Array.from({ length: count }, () => offer(more)),
    flush: shipper.flush,
    advance,
    /** Answers the request that has waited longest. */
    answer: (answer: Answer = taken) =>
      Effect.gen(function*() {
        const [call] = open()
        if (call === undefined) return assert.fail("no request waits for an answer")
        yield* Deferred.completeWith(call.answered, answer)
        yield* settle
        yield* assertRules
        return call
      }),
    close: Effect.andThen(Scope.close(scope, Exit.void), assertRules),
    sent: () => calls.map(({ items }) => items.map(({ id }) => id)),
    since: (start: number) => calls.map(({ at }) => at - start),
    created: () => created
  }
})

/** Backoff waits as long as it may, so that it can be told how long that is. */
const withoutJitter = Effect.provideService(Random.Random, { nextIntUnsafe: () => 0, nextDoubleUnsafe: () => 1 })

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)

describe("a batch", () => {
  it.effect("leaves one second after its first item, with all that came until then, in order", () =>
    Effect.gen(function*() {
      const { account, advance, answer, calls, offer, sent } = yield* setUp()
      offer()
      yield* advance(600)
      offer()
      yield* advance(399)
      assert.deepStrictEqual(calls, [])
      assert.deepInclude(account, { offered: 2, buffered: 2, inFlight: 0, bufferedBytes: 20 })
      yield* advance(1)
      assert.deepStrictEqual(sent(), [[1, 2]])
      assert.deepInclude(account, { buffered: 0, inFlight: 2, bufferedBytes: 20 })
      yield* answer()
      assert.deepInclude(account, { delivered: 2, inFlight: 0, bufferedBytes: 0, requests: 1, failedRequests: 0 })
      yield* advance(10 * second)
      assert.strictEqual(calls.length, 1, "there is nothing to say while idle")
    }))

  it.effect("leaves at once when it has as many items as a request may carry", () =>
    Effect.gen(function*() {
      const { advance, offerMany, sent } = yield* setUp({ limits: { items: 3 }, answer: () => taken })
      offerMany(2)
      yield* advance(0)
      assert.deepStrictEqual(sent(), [])
      offerMany(2)
      yield* advance(0)
      assert.deepStrictEqual(sent(), [[1, 2, 3]])
      yield* advance(second)
      assert.deepStrictEqual(sent(), [[1, 2, 3], [4]])
    }))

  it.effect("leaves at once when it has as many bytes as a request may carry", () =>
    Effect.gen(function*() {
      const { advance, offer, sent } = yield* setUp({ limits: { bytes: 100 }, answer: () => taken })
      offer({ bytes: 60 })
      yield* advance(0)
      assert.deepStrictEqual(sent(), [])
      offer({ bytes: 60 })
      yield* advance(0)
      assert.deepStrictEqual(sent(), [[1]])
    }))

  it.effect("spans less than the limit between its first and last timestamp, whichever comes first", () =>
    Effect.gen(function*() {
      const { advance, offer, sent } = yield* setUp({ limits: { span: 24 * hour }, answer: () => taken })
      const noon = 100 * 24 * hour
      for (const ago of [0, 23, 24, 1, 30]) offer({ timestamp: noon - ago * hour })
      offer({ timestamp: noon - 54 * hour + 1 })
      yield* advance(4 * second)
      assert.deepStrictEqual(sent(), [[1, 2], [3, 4], [5, 6]])
    }))

  it.effect("has items of every priority in the order they were offered", () =>
    Effect.gen(function*() {
      const { advance, offer, sent } = yield* setUp({ answer: () => taken })
      for (const priority of [3, 0, 2, 1, 0, 3]) offer({ priority })
      yield* advance(second)
      assert.deepStrictEqual(sent(), [[1, 2, 3, 4, 5, 6]])
    }))

  it.effect("is one of at most so many on their way", () =>
    Effect.gen(function*() {
      const { account, advance, answer, offerMany, open, sent } = yield* setUp({ parallel: 3, limits: { items: 2 } })
      offerMany(20)
      yield* advance(0)
      assert.deepStrictEqual(sent(), [[1, 2], [3, 4], [5, 6]])
      assert.deepInclude(account, { buffered: 14, inFlight: 6, bufferedBytes: 200 })
      yield* answer()
      yield* advance(0)
      assert.deepStrictEqual(sent().slice(3), [[7, 8]])
      while (open().length > 0) yield* answer()
      assert.deepInclude(account, { delivered: 20, bufferedBytes: 0, requests: 10 })
    }))

  it.effect("never leaves inside the call that offers, however full it is", () =>
    Effect.gen(function*() {
      const { advance, calls, flush, offer, offerMany } = yield* setUp({ limits: { items: 1 }, answer: () => taken })
      yield* advance(0)
      offer()
      assert.strictEqual(calls.length, 0)
      const flushed = yield* Effect.forkChild(flush)
      yield* advance(0)
      offerMany(500)
      assert.strictEqual(calls.length, 1)
      yield* flush
      yield* advance(0)
      assert.strictEqual(calls.length, 501)
      yield* Fiber.join(flushed)
    }))
})

describe("a request that failed", () => {
  it.effect("is made again for ever, after delays that double up to 30 seconds, until it succeeds", () =>
    Effect.gen(function*() {
      const said: Array<string | undefined> = []
      const { account, advance, answer, offer, sent } = yield* setUp({
        onFailure: (reason) => {
          said.push(reason)
        }
      })
      offer()
      yield* advance(second)
      for (let attempt = 1; attempt <= 60; attempt++) {
        yield* answer(fails("transient"))
        assert.strictEqual(account.failure, attempt < 2 ? undefined : "transient")
        yield* advance(Math.min(30 * second, 200 * 2 ** (attempt - 1)) - 1)
        assert.strictEqual(sent().length, attempt)
        yield* advance(1)
        assert.strictEqual(sent().length, attempt + 1)
      }
      yield* answer()
      assert.isTrue(sent().every((ids) => ids.length === 1 && ids[0] === 1))
      assert.deepInclude(account, {
        delivered: 1,
        requests: 61,
        failedRequests: 60,
        repeated: 0,
        failure: undefined,
        bufferedBytes: 0
      })
      assert.deepStrictEqual(said, [...range(2, 60).map(() => "transient"), undefined])
    }).pipe(withoutJitter))

  for (
    const [kind, expected] of [
      ["transient", [200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]],
      ["missing", [200, 400, 800, 1600]],
      ["auth", [1000, 2000, 4000, 8000, 16_000, 30_000]],
      ["throttle", [1000, 2000, 4000, 8000, 16_000, 30_000]]
    ] as const
  ) {
    it.effect(`is made again after ${expected.slice(0, 3).join(", ")} ms and so on when ${kind}`, () =>
      Effect.gen(function*() {
        let left: number = expected.length
        const { account, advance, offer, since } = yield* setUp({ answer: () => left-- > 0 ? fails(kind) : taken })
        offer()
        yield* advance(second)
        yield* advance(200 * second)
        const waits = expected.map((_, index) => expected.slice(0, index + 1).reduce((sum, wait) => sum + wait, 0))
        assert.deepStrictEqual(since(second), [0, ...waits])
        assert.deepInclude(account, { delivered: 1, failedRequests: expected.length })
      }).pipe(withoutJitter))
  }

  it.effect("counts as failing delivery later when throttled, since that happens now and then", () =>
    Effect.gen(function*() {
      const { account, advance, answer, offer } = yield* setUp()
      offer()
      yield* advance(second)
      for (let attempt = 1; attempt <= 5; attempt++) {
        assert.isUndefined(account.failure)
        yield* answer(fails("throttle"))
        yield* advance(30 * second)
      }
      assert.strictEqual(account.failure, "throttle")
      yield* answer()
      assert.isUndefined(account.failure)
    }))

  it.effect("is made again at once when another succeeds, unless it was throttled", () =>
    Effect.gen(function*() {
      const { advance, answer, offerMany, since } = yield* setUp({ limits: { items: 1 }, parallel: 4 })
      offerMany(4)
      yield* advance(0)
      yield* answer(fails("throttle"))
      for (const kind of ["auth", "transient"] as const) yield* answer(fails(kind))
      yield* advance(10)
      assert.deepStrictEqual(since(0), [0, 0, 0, 0])
      yield* answer()
      yield* advance(0)
      assert.deepStrictEqual(since(0), [0, 0, 0, 0, 10, 10])
      yield* advance(990)
      assert.deepStrictEqual(since(0), [0, 0, 0, 0, 10, 10, 1000])
    }).pipe(withoutJitter))

  it.effect("lets only full batches pass while it waits, so that an outage costs few requests", () =>
    Effect.gen(function*() {
      const { account, advance, answer, offer, offerMany, sent } = yield* setUp({ limits: { items: 3 } })
      offer()
      yield* advance(second)
      for (let attempt = 1; attempt <= 10; attempt++) {
        yield* answer(fails("transient"))
        yield* advance(30 * second)
      }
      yield* answer(fails("transient"))
      offerMany(2)
      yield* advance(20 * second)
      assert.strictEqual(sent().length, 11)
      offer()
      yield* advance(0)
      assert.deepStrictEqual(sent()[11], [2, 3, 4])
      yield* answer()
      yield* answer()
      assert.deepInclude(account, { delivered: 4, buffered: 0, inFlight: 0 })
    }).pipe(withoutJitter))

  it.effect("costs nothing but the wait, also when a batch was full for a moment", () =>
    Effect.gen(function*() {
      const clock = yield* Clock.Clock
      let sleeps = 0
      const counting = {
        ...clock,
        sleep: (duration: Parameters<typeof clock.sleep>[0]) => {
          sleeps++
          return clock.sleep(duration)
        }
      }
      const { advance, answer, offer, offerMany, open } = yield* setUp({
        limits: { items: 10, bytes: 10_000 },
        maxBufferedBytes: 1_000
      }).pipe(Effect.provideService(Clock.Clock, counting))
      offer({ bytes: 1 })
      yield* advance(second)
      for (let attempt = 1; attempt <= 10; attempt++) {
        yield* answer(fails("transient"))
        yield* advance(30 * second)
      }
      yield* answer(fails("transient"))
      sleeps = 0
      offerMany(10, { bytes: 90 })
      offer({ bytes: 900, priority: 3 })
      for (let turn = 0; turn < 100; turn++) yield* settle
      assert.isAtMost(sleeps, 2)
      yield* advance(30 * second)
      yield* answer()
      yield* advance(30 * second)
      while (open().length > 0) yield* answer()
    }).pipe(withoutJitter))

  it.effect("makes batches rarer when it was throttled, up to 30 seconds, and successes make them frequent again", () =>
    Effect.gen(function*() {
      let throttled = 6
      const { advance, calls, offer } = yield* setUp({ answer: () => throttled-- > 0 ? fails("throttle") : taken })
      offer()
      yield* advance(100 * second)
      const wait = Effect.gen(function*() {
        const before = calls.length
        offer()
        let waited = 0
        for (; calls.length === before; waited += 500) yield* advance(500)
        return waited
      })
      const waits: Array<number> = []
      for (let batch = 0; batch < 60; batch++) waits.push(yield* wait)
      assert.isAbove(waits[0] ?? 0, 20 * second)
      assert.isAtMost(waits[0] ?? 0, 30 * second)
      assert.deepStrictEqual(waits, [...waits].sort((a, b) => b - a))
      assert.strictEqual(waits.at(-1), second)
    }))
})

describe("a request without an answer", () => {
  it.effect("is made again, and its items are counted once as perhaps delivered twice", () =>
    Effect.gen(function*() {
      const { account, advance, answer, offerMany, sent } = yield* setUp()
      offerMany(3)
      yield* advance(second)
      for (let attempt = 1; attempt <= 3; attempt++) {
        yield* answer(fails("transient", true))
        assert.strictEqual(account.repeated, 3)
        yield* advance(30 * second)
      }
      yield* answer()
      assert.deepStrictEqual(sent(), range(1, 4).map(() => [1, 2, 3]))
      assert.deepInclude(account, { offered: 3, delivered: 3, repeated: 3 })
    }))

  it.effect("counts its items once also when they are refused later and halved", () =>
    Effect.gen(function*() {
      const unanswered = fails("transient", true)
      const outcomes = [unanswered, fails("invalid"), unanswered, taken, unanswered]
      const { account, advance, offerMany, sent } = yield* setUp({ answer: () => outcomes.shift() ?? taken })
      offerMany(4)
      yield* advance(60 * second)
      assert.deepStrictEqual(sent(), [[1, 2, 3, 4], [1, 2, 3, 4], [1, 2], [1, 2], [3, 4], [3, 4]])
      assert.deepInclude(account, { delivered: 4, repeated: 4 })
    }))

  it.effect("is given up and counted when it must not be delivered twice", () =>
    Effect.gen(function*() {
      const { account, advance, answer, offerMany, sent } = yield* setUp({ ambiguous: "drop", limits: { items: 3 } })
      offerMany(4)
      yield* advance(second)
      yield* answer(fails("transient", true))
      assert.deepInclude(account, { offered: 4, delivered: 0, repeated: 0, inFlight: 1, bufferedBytes: 10 })
      assert.strictEqual(account.dropped.ambiguous, 3)
      yield* answer(fails("transient", false))
      yield* advance(second)
      yield* answer()
      assert.strictEqual(account.delivered, 1)
      assert.deepStrictEqual(sent(), [[1, 2, 3], [4], [4]])
    }))

  it.effect("counts as failing delivery at once when its items are given up", () =>
    Effect.gen(function*() {
      const said: Array<string | undefined> = []
      const { account, advance, answer, offer } = yield* setUp({
        ambiguous: "drop",
        onFailure: (reason) => {
          said.push(reason)
        }
      })
      for (const outcome of [fails("transient", true), fails("transient", true), taken]) {
        offer()
        yield* advance(second)
        yield* answer(outcome)
      }
      assert.deepStrictEqual(said, ["transient", "transient", undefined])
      assert.deepInclude(account, { delivered: 1, failure: undefined })
    }))

  it.effect("is one that took longer than it may, and is interrupted", () =>
    Effect.gen(function*() {
      const { account, advance, answer, calls, offer, open } = yield* setUp({ requestTimeout: "3 seconds" })
      offer()
      yield* advance(second)
      yield* advance(3 * second - 1)
      assert.strictEqual(open().length, 1)
      yield* advance(1)
      assert.deepInclude(calls[0], { open: false, unanswered: true })
      assert.deepInclude(account, { failedRequests: 1, repeated: 1, inFlight: 1 })
      yield* advance(second)
      yield* answer()
      assert.strictEqual(account.delivered, 1)
    }))
})

describe("a batch refused as invalid", () => {
  for (const count of [1, 2, 3, 7, 64, 100]) {
    for (const bad of new Set([1, Math.ceil(count / 2), count])) {
      it.effect(`of ${count} items loses only the bad one, number ${bad}, in few requests`, () =>
        Effect.gen(function*() {
          const delivered: Array<number> = []
          const { account, advance, calls, offerMany } = yield* setUp({
            answer: (items) =>
              Effect.suspend(() => {
                if (items.some(({ id }) => id === bad)) return fails("invalid")
                delivered.push(...items.map(({ id }) => id))
                return taken
              })
          })
          offerMany(count)
          yield* advance(second)
          assert.deepStrictEqual(delivered, range(1, count).filter((id) => id !== bad))
          assert.isAtMost(calls.length, 2 * Math.ceil(Math.log2(count)) + 1)
          assert.deepInclude(account, { offered: count, delivered: count - 1, inFlight: 0, bufferedBytes: 0 })
          assert.deepStrictEqual(account.rejected, { tooOld: 0, tooNew: 0, expired: 0, invalid: 1 })
        }))
    }
  }

  it.effect("is refused no more after eight refusals in a row: the rest is kept until requests work again", () =>
    Effect.gen(function*() {
      let wrong = true
      const { account, advance, calls, offerMany } = yield* setUp({ answer: () => wrong ? fails("invalid") : taken })
      offerMany(100)
      yield* advance(10 * 60 * second)
      assert.strictEqual(account.rejected.invalid, 8)
      assert.deepInclude(account, { delivered: 0, inFlight: 92, failure: "invalid" })
      const before = calls.length
      yield* advance(5 * 60 * second)
      assert.isAtMost(calls.length - before, 100, "it asks slowly")
      wrong = false
      yield* advance(60 * second)
      assert.deepInclude(account, { offered: 100, delivered: 92, inFlight: 0, failure: undefined })
    }).pipe(Random.withSeed(seed)))

  it.effect("is tried again as slowly as for refused credentials after eight refusals in a row", () =>
    Effect.gen(function*() {
      const { account, advance, offerMany, since } = yield* setUp({
        limits: { items: 1 },
        parallel: 1,
        answer: () => fails("invalid")
      })
      offerMany(9)
      yield* advance(0)
      yield* advance(7 * second)
      assert.deepStrictEqual(since(0), [...range(1, 9).map(() => 0), 1000, 3000, 7000])
      assert.deepInclude(account, { inFlight: 1, failedRequests: 12 })
    }).pipe(withoutJitter))

  it.effect("may have any number of bad items as long as others are taken in between", () =>
    Effect.gen(function*() {
      const { account, advance, offerMany } = yield* setUp({
        answer: (items) => items.some(({ id }) => id % 4 === 0) ? fails("invalid") : taken
      })
      offerMany(100)
      yield* advance(second)
      assert.strictEqual(account.rejected.invalid, 25)
      assert.deepInclude(account, { delivered: 75, inFlight: 0 })
    }))
})

describe("an answer", () => {
  it.effect("that takes only some items counts the others by reason and sends none again", () =>
    Effect.gen(function*() {
      const { account, advance, answer, offerMany, sent } = yield* setUp()
      offerMany(10)
      yield* advance(second)
      yield* answer(Effect.succeed({ tooOld: 2, expired: 1, tooNew: 3 }))
      yield* advance(60 * second)
      assert.deepInclude(account, { offered: 10, delivered: 4, inFlight: 0, bufferedBytes: 0 })
      assert.deepStrictEqual(account.rejected, { tooOld: 2, tooNew: 3, expired: 1, invalid: 0 })
      assert.strictEqual(sent().length, 1)
    }))
})

describe("a full buffer", () => {
  const full = { maxBufferedBytes: 100, limits: { items: 1 }, parallel: 1 }

  it.effect("drops items of the lowest priority first, the oldest of them first, errors last", () =>
    Effect.gen(function*() {
      const { account, advance, answer, offer, offerMany, open, sent } = yield* setUp({ ...full, gapItem: undefined })
      offer({ bytes: 10 })
      yield* advance(0)
      for (const priority of [0, 1, 2, 3, 0, 1, 2, 3, 1]) offer({ priority })
      assert.deepInclude(account, { buffered: 9, inFlight: 1, bufferedBytes: 100 })
      const overflow = (more: Partial<Item>) => {
        offer(more)
        return account.dropped.overflow
      }
      assert.strictEqual(overflow({ priority: 0 }), 1, "2 makes room for 11")
      assert.strictEqual(overflow({ priority: 3, bytes: 20 }), 3, "6 and 11 make room for 12")
      assert.strictEqual(overflow({ priority: 0 }), 4, "13 is the lowest itself")
      assert.strictEqual(overflow({ priority: 3 }), 5, "3 makes room for 14")
      assert.strictEqual(overflow({ priority: 2, bytes: 30 }), 8, "7, 10 and 4 make room for 15")
      assert.strictEqual(overflow({ priority: 3, bytes: 30 }), 10, "8 and 15 make room for 16")
      offerMany(2, { priority: 3, bytes: 20 })
      assert.strictEqual(account.dropped.overflow, 13, "5 makes room for 17, then 9 and 12 for 18")
      while (open().length > 0) yield* answer()
      const told = sent().flat().filter((id) => id > 0)
      assert.deepStrictEqual(told, [1, 14, 16, 17, 18])
      assert.strictEqual(account.delivered + account.dropped.overflow, account.offered)
    }))

  it.effect("counts what is on its way too, and never drops that", () =>
    Effect.gen(function*() {
      const { account, advance, answer, offer, sent } = yield* setUp(full)
      offer({ bytes: 90, priority: 0 })
      yield* advance(0)
      offer({ bytes: 20, priority: 3 })
      assert.deepInclude(account, { buffered: 0, inFlight: 1, bufferedBytes: 90 })
      assert.strictEqual(account.dropped.overflow, 1)
      yield* answer()
      yield* advance(0)
      assert.deepStrictEqual(sent(), [[1], [-1]])
    }))

  it.effect("keeps what it has when an item comes that could never fit", () =>
    Effect.gen(function*() {
      const { account, advance, offer, offerMany } = yield* setUp(full)
      offer()
      yield* advance(0)
      offerMany(9, { priority: 0 })
      offer({ bytes: 101, priority: 3 })
      assert.deepInclude(account, { buffered: 9, inFlight: 1, bufferedBytes: 100 })
      assert.strictEqual(account.dropped.overflow, 1)
    }))

  it.effect("tells of a gap once delivery works again: how many were dropped, from when to when", () =>
    Effect.gen(function*() {
      const { account, advance, answer, calls, gaps, offer, offerMany, open } = yield* setUp(full)
      offer()
      yield* advance(0)
      yield* answer(fails("transient"))
      offerMany(9, { priority: 3 })
      for (const timestamp of [500, 100, 900, 300]) offer({ timestamp, priority: 0 })
      yield* advance(30 * second)
      assert.deepStrictEqual(gaps, [])
      yield* answer()
      assert.deepStrictEqual(gaps, [{ count: 4, from: 100, to: 900 }])
      while (open().length > 0) yield* answer()
      assert.deepStrictEqual(calls.flatMap(({ items }) => items).filter(({ id }) => id < 0).length, 1)
      assert.deepInclude(account, { offered: 15, delivered: 11, buffered: 0 })
      yield* advance(60 * second)
      offer()
      yield* advance(second)
      yield* answer()
      assert.strictEqual(gaps.length, 1, "a gap is told once")
    }))

  it.effect("tells of a gap later when what tells of it does not fit yet", () =>
    Effect.gen(function*() {
      const { account, advance, answer, calls, offer, offerMany, open } = yield* setUp({
        ...full,
        gapItem: (gap) => ({ id: -1, bytes: 20, timestamp: gap.to, priority: 2, told: gap })
      })
      offer({ bytes: 10 })
      yield* advance(0)
      offerMany(9, { priority: 3 })
      offerMany(5, { priority: 0 })
      while (open().length > 0) yield* answer()
      const told = calls.flatMap(({ items }) => items).flatMap(({ told }) => told?.count ?? [])
      assert.strictEqual(told.reduce((sum, count) => sum + count, 0), account.dropped.overflow)
      assert.isAtLeast(account.dropped.overflow, 5)
    }))
})

describe("flush", () => {
  it.effect("sends at once and ends when all that was offered before is delivered", () =>
    Effect.gen(function*() {
      const { advance, answer, flush, offerMany, sent } = yield* setUp({ limits: { items: 2 } })
      offerMany(3)
      const flushed = yield* Effect.forkChild(flush)
      yield* advance(0)
      assert.deepStrictEqual(sent(), [[1, 2], [3]])
      yield* answer()
      assert.isUndefined(flushed.pollUnsafe())
      yield* answer()
      assert.isDefined(flushed.pollUnsafe())
    }))

  it.effect("does not wait for what is offered later", () =>
    Effect.gen(function*() {
      const { account, advance, answer, flush, offer, open } = yield* setUp({ parallel: 2 })
      offer()
      const flushed = yield* Effect.forkChild(flush)
      yield* advance(0)
      offer()
      yield* advance(0)
      assert.strictEqual(open().length, 2)
      yield* answer()
      assert.isDefined(flushed.pollUnsafe())
      assert.deepInclude(account, { delivered: 1, inFlight: 1 })
      yield* answer()
    }))

  it.effect("waits for an earlier batch also when a later one is answered first, through any failures", () =>
    Effect.gen(function*() {
      const { advance, answer, flush, offer, open } = yield* setUp({ limits: { items: 1 } })
      offer()
      offer()
      const flushed = yield* Effect.forkChild(flush)
      yield* advance(0)
      yield* answer(fails("transient", true))
      yield* answer()
      assert.isUndefined(flushed.pollUnsafe())
      yield* advance(second)
      assert.strictEqual(open().length, 1)
      yield* answer()
      assert.isDefined(flushed.pollUnsafe())
    }))

  it.effect("is no proof that delivery works when all was too old to be sent", () =>
    Effect.gen(function*() {
      const said: Array<string | undefined> = []
      let next: Answer = fails("transient")
      const { account, advance, offer } = yield* setUp({
        limits: { items: 1 },
        parallel: 1,
        answer: () => next,
        onFailure: (reason) => said.push(reason === undefined ? "works" : "fails")
      })
      offer()
      yield* advance(60 * second)
      assert.include(said, "fails")
      said.length = 0
      next = Effect.succeed({ tooOld: 1 })
      yield* advance(60 * second)
      assert.deepStrictEqual([said, account.rejected.tooOld, account.failure], [[], 1, "transient"])
      next = taken
      offer()
      yield* advance(60 * second)
      assert.deepStrictEqual([said, account.delivered, account.failure], [["works"], 1, undefined])
    }))

  it.effect("tries at once what was to be tried again later: who flushes may have little time", () =>
    Effect.gen(function*() {
      const { advance, answer, flush, offer, open } = yield* setUp({ limits: { items: 1 } })
      offer()
      yield* advance(0)
      yield* answer(fails("transient"))
      yield* advance(0)
      assert.strictEqual(open().length, 0)
      const flushed = yield* Effect.forkChild(flush)
      yield* advance(0)
      assert.strictEqual(open().length, 1)
      yield* answer()
      assert.isDefined(flushed.pollUnsafe())
    }))

  it.effect("ends at once when there is nothing, and changes nothing for what comes next", () =>
    Effect.gen(function*() {
      const { advance, calls, flush, offer } = yield* setUp()
      yield* flush
      yield* advance(0)
      offer()
      yield* advance(second - 1)
      assert.strictEqual(calls.length, 0)
      yield* advance(1)
      assert.strictEqual(calls.length, 1)
    }))

  it.effect("ends when items are given up", () =>
    Effect.gen(function*() {
      const { advance, answer, flush, offer } = yield* setUp({ ambiguous: "drop" })
      offer()
      const flushed = yield* Effect.forkChild(flush)
      yield* advance(0)
      yield* answer(fails("transient", true))
      assert.isDefined(flushed.pollUnsafe())
    }))

  it.effect("serves any number who ask", () =>
    Effect.gen(function*() {
      const { advance, answer, flush, offer } = yield* setUp()
      offer()
      const first = yield* Effect.forkChild(flush)
      yield* advance(0)
      const others = yield* Effect.forkChild(Effect.all([flush, flush], { concurrency: 2 }))
      yield* advance(0)
      yield* answer()
      yield* Fiber.join(first)
      yield* Fiber.join(others)
    }))
})

describe("closing", () => {
  it.effect("drains all that was offered, without waiting for an interval or a backoff", () =>
    Effect.gen(function*() {
      const { account, advance, answer, close, offer, offerMany, open } = yield* setUp({
        limits: { items: 2 },
        parallel: 2
      })
      offer()
      yield* advance(second)
      yield* answer(fails("throttle"))
      offerMany(4)
      const closed = yield* Effect.forkChild(close)
      yield* advance(0)
      assert.strictEqual(open().length, 2)
      yield* answer()
      yield* answer()
      assert.isUndefined(closed.pollUnsafe())
      yield* answer()
      assert.isDefined(closed.pollUnsafe())
      assert.deepInclude(account, { offered: 5, delivered: 5, buffered: 0, inFlight: 0, bufferedBytes: 0 })
      assert.strictEqual(Ledger.droppedOf(account), 0)
    }).pipe(withoutJitter))

  it.effect("takes what is offered while it drains, and tells of a gap", () =>
    Effect.gen(function*() {
      const { account, advance, answer, calls, close, offer } = yield* setUp({ maxBufferedBytes: 30 })
      offer({ bytes: 30 })
      offer({ bytes: 30, priority: 0 })
      const closed = yield* Effect.forkChild(close)
      yield* advance(0)
      yield* answer()
      offer({ bytes: 5 })
      yield* answer()
      yield* advance(0)
      if (calls.some(({ open }) => open)) yield* answer()
      assert.isDefined(closed.pollUnsafe())
      assert.deepInclude(account, { offered: 4, delivered: 3 })
      assert.strictEqual(account.dropped.overflow, 1)
      assert.deepStrictEqual(calls.flatMap(({ items }) => items.map(({ id }) => id)).sort(), [-1, 1, 3])
    }))

  it.effect("tries again within a second while it drains", () =>
    Effect.gen(function*() {
      const { account, advance, answer, close, offer } = yield* setUp({ drainDeadline: "1 minute" })
      offer()
      yield* advance(second)
      for (let attempt = 1; attempt <= 10; attempt++) {
        yield* answer(fails("transient"))
        yield* advance(30 * second)
      }
      const closed = yield* Effect.forkChild(close)
      for (let attempt = 1; attempt <= 10; attempt++) {
        yield* answer(fails("transient"))
        yield* advance(second)
      }
      yield* answer()
      assert.isDefined(closed.pollUnsafe())
      assert.strictEqual(account.delivered, 1)
    }).pipe(withoutJitter))

  it.effect("gives up at the deadline while requests hang, and counts exactly what is left", () =>
    Effect.gen(function*() {
      const { account, advance, answer, calls, close, offerMany } = yield* setUp({
        limits: { items: 3 },
        parallel: 2
      })
      offerMany(20)
      yield* advance(0)
      yield* answer()
      const closed = yield* Effect.forkChild(close)
      yield* advance(10 * second - 1)
      assert.isUndefined(closed.pollUnsafe())
      yield* advance(1)
      assert.isDefined(closed.pollUnsafe())
      assert.deepInclude(account, {
        offered: 20,
        delivered: 3,
        buffered: 0,
        inFlight: 0,
        bufferedBytes: 0,
        dropped: { overflow: 0, deadline: 17, afterClose: 0, ambiguous: 0 }
      })
      const made = calls.length
      yield* advance(hour)
      assert.strictEqual(calls.length, made, "nothing is sent after the end")
      assert.strictEqual(calls.filter(({ unanswered }) => unanswered).length, 2)
    }))

  it.effect("gives up at the deadline while everything fails", () =>
    Effect.gen(function*() {
      const { account, advance, close, offerMany } = yield* setUp({
        limits: { items: 3 },
        drainDeadline: "5 seconds",
        answer: () => fails("auth")
      })
      offerMany(20)
      const closed = yield* Effect.forkChild(close)
      yield* advance(5 * second)
      assert.isDefined(closed.pollUnsafe())
      assert.deepInclude(account, { offered: 20, delivered: 0, buffered: 0, inFlight: 0, bufferedBytes: 0 })
      assert.strictEqual(account.dropped.deadline, 20)
    }))

  it.effect("ends every flush, also one that is asked for afterwards", () =>
    Effect.gen(function*() {
      const { account, advance, close, flush, offerMany } = yield* setUp({ limits: { items: 1 }, parallel: 1 })
      offerMany(3)
      const flushed = yield* Effect.forkChild(flush)
      yield* advance(0)
      const closed = yield* Effect.forkChild(close)
      yield* advance(10 * second)
      assert.isDefined(closed.pollUnsafe())
      assert.strictEqual(account.dropped.deadline, 3)
      assert.isDefined(flushed.pollUnsafe())
      const later = yield* Effect.forkChild(flush)
      yield* advance(0)
      assert.isDefined(later.pollUnsafe())
    }))

  it.effect("counts what is offered after it, and sends none of that", () =>
    Effect.gen(function*() {
      const { account, advance, calls, close, gaps, offerMany } = yield* setUp({ answer: () => taken })
      offerMany(2)
      yield* close
      offerMany(3)
      yield* advance(60 * second)
      assert.deepInclude(account, { offered: 5, delivered: 2, buffered: 0, inFlight: 0 })
      assert.strictEqual(account.dropped.afterClose, 3)
      assert.strictEqual(calls.length, 1)
      assert.deepStrictEqual(gaps, [])
    }))
})

const between = (minimum: number, maximum: number) =>
  Arbitrary.schema(Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum, maximum }))))

const outcomes: ReadonlyArray<Answer | "partly"> = [
  taken,
  taken,
  taken,
  "partly",
  ...(["throttle", "transient", "missing", "auth", "invalid"] as const).map((kind) => fails(kind)),
  fails("transient", true)
]

const commands = Arbitrary.array(
  Arbitrary.all({
    what: between(0, 9),
    count: between(1, 12),
    bytes: between(1, 120),
    priority: between(0, 3),
    ago: between(0, 40),
    outcome: between(0, outcomes.length - 1),
    millis: between(0, 12)
  }),
  { maxLength: 120 }
)

const runs = Arbitrary.all({
  commands,
  parallel: between(1, 4),
  maxBufferedBytes: between(100, 1_500),
  drop: between(0, 2)
})

describe(`whatever happens in which order (seed ${seed})`, () => {
  it.effect(
    "every item is delivered, rejected or dropped in the end, exactly once, and none is forgotten on the way",
    () =>
      Effect.gen(function*() {
        const totals = { delivered: 0, rejected: 0, dropped: 0, repeated: 0 }
        const result = yield* Arbitrary.checkEffect(runs, (run) =>
          Effect.gen(function*() {
            let healed = false
            const delivered = new Set<number>()
            const perhaps = new Set<number>()
            const take = (items: ReadonlyArray<Item>) => {
              for (const { id } of items) {
                assert.isFalse(delivered.has(id), "what is acknowledged is not sent again")
                delivered.add(id)
              }
              return taken
            }
            const ambiguous = run.drop === 0 ? "drop" : "retry"
            const test = yield* setUp({
              ambiguous,
              parallel: run.parallel,
              maxBufferedBytes: run.maxBufferedBytes,
              requestTimeout: "1 minute",
              limits: { items: 8, bytes: 300, span: 24 * hour },
              answer: (items) => healed ? take(items) : undefined
            })
            const { account, advance, calls, flush, offerMany, open } = test
            const now = 1000 * hour
            for (const { ago, bytes, count, millis, outcome, priority, what } of run.commands) {
              if (what < 5) offerMany(count, { bytes, priority, timestamp: now - (ago % 3 === 0 ? ago : 0) * hour })
              else if (what < 8) {
                const call = open()[count % Math.max(1, open().length)]
                const chosen = outcomes[outcome] ?? taken
                if (call === undefined) continue
                const ids = call.items.map(({ id }) => id)
                if (chosen === "partly") {
                  take(call.items)
                  yield* Deferred.succeed(call.answered, { tooOld: 1, tooNew: call.items.length > 1 ? 1 : 0 })
                } else {
                  const exit = yield* Effect.exit(chosen)
                  if (Exit.isSuccess(exit)) take(call.items)
                  else if (outcome === outcomes.length - 1) { for (const id of ids) perhaps.add(id) }
                  yield* Deferred.done(call.answered, exit)
                }
              } else if (what === 8) yield* advance(2 ** millis * 10)
              else yield* Effect.forkChild(flush)
              yield* advance(0)
            }
            healed = true
            for (const call of open()) yield* Deferred.completeWith(call.answered, take(call.items))
            const flushed = yield* Effect.forkChild(flush)
            for (let rest = 0; rest < 100 && account.buffered + account.inFlight > 0; rest++) {
              yield* advance(30 * second)
            }
            yield* advance(0)
            assert.isDefined(flushed.pollUnsafe())
            yield* test.close

            for (const { items, unanswered } of calls) if (unanswered) { for (const { id } of items) perhaps.add(id) }
            const rejected = Ledger.rejectedOf(account)
            const dropped = Ledger.droppedOf(account)
            assert.strictEqual(account.offered, test.created() + test.gaps.length)
            assert.strictEqual(account.delivered + rejected + dropped, account.offered)
            assert.strictEqual(delivered.size + account.rejected.invalid + dropped, account.offered)
            assert.strictEqual(account.dropped.deadline + account.dropped.afterClose, 0)
            assert.deepInclude(account, { buffered: 0, inFlight: 0, bufferedBytes: 0 })
            if (ambiguous === "drop") assert.strictEqual(account.dropped.ambiguous, perhaps.size)
            else assert.strictEqual(account.repeated, perhaps.size)
            totals.delivered += account.delivered
            totals.rejected += rejected
            totals.dropped += dropped
            totals.repeated += account.repeated
            return true
          }), { seed, runs: 500, size: 120 })
        assert.isUndefined(Arbitrary.formatCheckFailure(result))
        assert.isTrue(
          Object.values(totals).every((total) => total > 0),
          `everything happens: ${JSON.stringify(totals)}`
        )
      }).pipe(Random.withSeed(seed)),
    120_000
  )
})
