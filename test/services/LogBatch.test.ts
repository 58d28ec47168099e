import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Schema } from "effect"
import type { Rejection } from "../../src/services/Ledger.ts"
import * as LogBatch from "../../src/services/LogBatch.ts"
import { encode, encodeString } from "../../src/services/LogEncoder.ts"
import type { LogEvent } from "../../src/services/LogSink.ts"
import { nextSpanId } from "../../src/services/TraceContext.ts"

const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000)

const boot = "00f067aa0ba902b7"
const noon = Date.UTC(2026, 10, 23, 12)
const [second, hour, day] = [1000, 3_600_000, 86_400_000]
const now = () => noon

const lineOf = (message: string) => encode({ timestamp: noon, level: "Info", message })

const given = (event: Partial<LogEvent>): LogEvent => ({
  timestamp: noon,
  level: "Info",
  line: lineOf("hello"),
  ...event
})

/** The entries of an event, as they are sent. */
const entriesOf = (event: LogEvent, seq: number, maxBytes?: number) => {
  const run = LogBatch.makeRun({ boot, now, maxBytes })
  const all: Array<LogBatch.Entry> = []
  run.each(event, seq, (entry) => all.push({ ...entry, ...run.finish(entry), seq: 0 }))
  return all
}

const entries = (event: Partial<LogEvent>, maxBytes?: number) => entriesOf(given(event), 7, maxBytes)

const entryOf = (timestamp: number, message = "m"): LogBatch.Entry => ({
  timestamp,
  message,
  seq: 0,
  bytes: LogBatch.sizeOf(message),
  priority: 1,
  order: 0
})

const between = (minimum: number, maximum: number) =>
  Arbitrary.schema(Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum, maximum }))))

const either = <A>(first: Arbitrary.Arbitrary<A>, ...others: ReadonlyArray<Arbitrary.Arbitrary<A>>) =>
  Arbitrary.flatMap(between(0, others.length), (index) => others[index - 1] ?? first)

const oneOf = <A>(first: A, ...others: ReadonlyArray<A>) =>
  Arbitrary.map(between(0, others.length), (index) => others[index - 1] ?? first)

const piece = either(
  oneOf("", " ", "a", "\"", "\\", "\\\\\"", "\n", "\r\n", "\t", "\u0000", "\u001f", "\u007f", "{}", "},{", "/"),
  oneOf("é", "ß", "€", "日本語", "\u2028", "\ufeff", "\uffff", "😀", "👩‍👩‍👧‍👦", "\u{10ffff}", "e\u0301"),
  oneOf("\ud83d", "\ude00", "\ud800\ud800", "\udfff\udfff", "\udc00\ud800", "a\udbff", "\ud800b"),
  Arbitrary.schema(Schema.String)
)

const text = Arbitrary.map(
  Arbitrary.array(Arbitrary.all([piece, oneOf(1, 1, 1, 2, 9, 40, 300)]), { maxLength: 30 }),
  (pieces) => pieces.map(([piece, times]) => piece.repeat(times)).join("")
)

/** As the encoder writes it, or as somebody else's who leaves lone surrogates as they are. */
const line = Arbitrary.map(
  Arbitrary.all([text, text, oneOf("encoded", "raw")]),
  ([message, value, how]) =>
    how === "raw"
      ? `{"message":${raw(message)},"value":${raw(value)}}`
      : encode({ timestamp: noon, level: "Info", message, annotations: { value } })
)

const raw = (text: string) =>
  JSON.stringify(text).replace(
    /(\\*)\\u(d[89a-f][0-9a-f]{2})/g,
    (all, before: string, code: string) =>
      before.length % 2 === 0 ? before + String.fromCharCode(Number.parseInt(code, 16)) : all
  )

const event = Arbitrary.map(
  Arbitrary.all([
    line,
    oneOf<LogEvent["level"]>("Trace", "Debug", "Info", "Warn", "Error", "Fatal"),
    oneOf(noon, 0, noon + 0.75, 8.64e15)
  ]),
  ([line, level, timestamp]): LogEvent => ({ line, level, timestamp })
)

const maxBytes = either(between(200, 2000), between(200, 400), between(200, 2000), between(2000, 50_000))

const isWhole = (text: string) => Buffer.from(text).toString() === text

describe("an entry", () => {
  it("is the line with boot and seq at the end", () => {
    assert.deepStrictEqual(entries({ line: `{"message":"grüße"}` }), [{
      timestamp: noon,
      message: `{"message":"grüße","boot":"00f067aa0ba902b7","seq":7}`,
      seq: 0,
      bytes: 55 + 26,
      priority: 1,
      order: 0
    }])
  })

  it("has a priority by its level, so that errors are dropped last", () => {
    const levels = ["Trace", "Debug", "Info", "Warn", "Error", "Fatal"] as const
    const priorities = levels.map((level) => entries({ level })[0]?.priority ?? Number.NaN)
    assert.deepStrictEqual(priorities, [0, 0, 1, 2, 3, 3])
    assert.strictEqual(Math.max(...priorities), LogBatch.priorityCount - 1)
  })

  it("has a time that CloudWatch takes: whole, not before 1970, now where it is no number", () => {
    for (
      const [timestamp, expected] of [
        [noon + 0.9, noon],
        [-1, 0],
        [-0.5, 0],
        [Number.NaN, noon],
        [Infinity, noon],
        [-Infinity, noon]
      ] as const
    ) {
      const [entry] = entries({ timestamp })
      assert.isTrue(Object.is(entry?.timestamp, expected), String(timestamp))
    }
  })

  it("is split only when it is longer than it may be", () => {
    const [{ bytes } = entryOf(0)] = entries({})
    assert.strictEqual(entries({}, bytes - 26).length, 1)
    assert.isAbove(entries({ line: lineOf("x".repeat(300)) }, 300).length, 1)
  })

  it("may be as long as CloudWatch takes unless told, and no longer", () => {
    const room = LogBatch.limits.eventBytes - (entries({ line: lineOf("") })[0]?.bytes ?? 0) + 26
    const sizes = (length: number) => entries({ line: lineOf("x".repeat(length)) }).map(({ bytes }) => bytes - 26)
    assert.deepStrictEqual(sizes(room), [1_048_550])
    assert.strictEqual(sizes(room + 1).length, 2)
    for (const size of sizes(3_000_000)) assert.isAtMost(size, 1_048_550)
    assert.strictEqual(sizes(3_000_000).length, 3)
  })

  it("says in each part what it is a part of", () => {
    const parts = entries({ level: "Error", line: lineOf("é".repeat(100)) }, 220)
    const texts = parts.map(({ message }) => JSON.parse(message) as Record<string, unknown>)
    texts.forEach(({ text, ...rest }, index) => {
      assert.isString(text)
      assert.deepStrictEqual(rest, {
        timestamp: "2026-11-23T12:00:00.000Z",
        level: "ERROR",
        boot,
        seq: 7,
        part: index + 1,
        parts: parts.length
      })
    })
    assert.isAbove(parts.length, 2)
    assert.isTrue(parts.every(({ priority, timestamp }) => priority === 3 && timestamp === noon))
  })
})

describe(`any event (seed ${seed})`, () => {
  it.effect("becomes entries that are not too long, valid, and together the line", () =>
    Effect.gen(function*() {
      const seen = { whole: 0, split: 0, lone: 0 }
      const result = yield* Arbitrary.checkEffect(
        Arbitrary.all([event, maxBytes, either(between(1, 9), between(1, 2 ** 53 - 1))]),
        ([event, maxBytes, seq]) => {
          const { line } = event
          if (!isWhole(line)) seen.lone++
          const all = entriesOf(event, seq, maxBytes)
          const objects = all.map(({ bytes, message, order, priority, timestamp }) => {
            const size = Buffer.from(message).length
            assert.isAtMost(size, maxBytes)
            assert.strictEqual(bytes, size + 26)
            assert.notMatch(message, /[\r\n]/)
            assert.deepStrictEqual(
              { order, priority, timestamp },
              { order: 0, priority: all[0]?.priority, timestamp: Math.floor(event.timestamp) }
            )
            const object = JSON.parse(message) as Record<string, unknown>
            assert.deepStrictEqual([object["boot"], object["seq"]], [boot, seq])
            return object
          })
          const [first] = objects
          assert.isDefined(first)
          if (!("parts" in first)) {
            seen.whole++
            assert.strictEqual(all.length, 1)
            assert.deepStrictEqual(first, { ...JSON.parse(line) as object, boot, seq })
            return true
          }
          seen.split++
          const whole = `${line.slice(0, -1)},"boot":"${boot}","seq":${seq}}`
          assert.isAbove(Buffer.byteLength(whole), maxBytes)
          const texts = objects.map(({ text }) => String(text))
          assert.strictEqual(texts.join(""), line)
          objects.forEach(({ part, parts }, index) => {
            assert.deepStrictEqual([part, parts], [index + 1, objects.length])
            assert.notMatch(
              `${texts[index - 1]?.slice(-1) ?? ""}|${texts[index]?.[0]}`,
              /^[\ud800-\udbff]\|[\udc00-\udfff]/
            )
          })
          for (const { message } of all) assert.isTrue(isWhole(message))
          // Nor is it cut into more than is needed: what a part has left is the room for longer numbers and one code point.
          for (const { bytes } of all.slice(0, -1)) assert.isAbove(bytes - 26, maxBytes - 30)
          return true
        },
        { seed, runs: 3000 }
      )
      assert.isUndefined(Arbitrary.formatCheckFailure(result))
      for (const [what, times] of Object.entries(seen)) assert.isAbove(times, 300, what)
    }))

  it.effect("is cut between code points, into pieces that are not too long as JSON", () =>
    Effect.gen(function*() {
      const result = yield* Arbitrary.checkEffect(
        Arbitrary.all([text, between(6, 100)]),
        ([text, maxBytes]) => {
          const pieces = LogBatch.split(text, maxBytes)
          assert.strictEqual(pieces.join(""), text)
          assert.deepStrictEqual(pieces.flatMap((piece) => [...piece]), [...text])
          for (const piece of pieces) assert.isAtMost(Buffer.from(encodeString(piece)).length - 2, maxBytes)
          if (text !== "") assert.notInclude(pieces, "")
          return true
        },
        { seed, runs: 1000 }
      )
      assert.isUndefined(Arbitrary.formatCheckFailure(result))
    }))

  it("is cut into code points where there is room for less", () => {
    for (const maxBytes of [1, 0, -100]) assert.deepStrictEqual(LogBatch.split("a😀\n", maxBytes), ["a", "😀", "\n"])
    assert.deepStrictEqual(LogBatch.split("", 6), [""])
  })
})

const randomOf = (seed: number) => {
  let state = seed
  /** A whole number from 0 to below `limit`. */
  return (limit: number) => {
    state = state + 0x6d2b79f5 | 0
    let mixed = Math.imul(state ^ state >>> 15, 1 | state)
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed
    return Math.floor(((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32 * limit)
  }
}

/** What PutLogEvents would refuse of a whole request. */
const refused = (events: ReadonlyArray<LogBatch.Entry>, now: number): ReadonlyArray<string> => {
  let bytes = 0
  let longest = 0
  let ordered = true
  let within = true
  let last = 0
  for (const { message, timestamp } of events) {
    const size = Buffer.from(message).length
    bytes += size + 26
    longest = Math.max(longest, size)
    ordered &&= timestamp >= last
    within &&= timestamp >= now - 14 * day && timestamp <= now + 2 * hour && Number.isInteger(timestamp)
    last = timestamp
  }
  const rules = {
    events: events.length >= 1 && events.length <= 10_000,
    bytes: bytes <= 1_048_576,
    longest: longest <= 1_048_550,
    span: (events.at(-1)?.timestamp ?? 0) - (events[0]?.timestamp ?? 0) <= day,
    ordered,
    within
  }
  return Object.entries(rules).flatMap(([rule, kept]) => kept ? [] : [rule])
}

describe(`a million events (seed ${seed})`, () => {
  it("make batches that CloudWatch takes, by what each is said to count", () => {
    const random = randomOf(seed)
    const count = 1_000_000
    const lines = Array.from({ length: 600 }, (_, index) => {
      const unit = ["x", "é", "€", "😀", "\ud800", "\"", "\n", "日本"][index % 8] ?? ""
      return lineOf(unit.repeat(random(index < 500 ? 20 : index < 599 ? 2000 : 400_000)))
    })
    const full = { events: 0, bytes: 0, span: 0 }
    let batch: Array<LogBatch.Entry> = []
    let [bytes, first, last, clock, offered, accounted] = [0, Infinity, -Infinity, noon, 0, 0]
    const send = () => {
      const { events, rejected } = LogBatch.prepare(batch, { now: clock })
      const problems = events.length === 0 ? [] : refused(events, clock)
      if (problems.length > 0) assert.fail(`${problems.join()} of ${events.length} events`)
      accounted += events.length + (rejected.tooOld ?? 0) + (rejected.tooNew ?? 0)
      batch = []
      ;[bytes, first, last] = [0, Infinity, -Infinity]
    }
    const push = (entry: LogBatch.Entry) => {
      const reason = batch.length >= 10_000
        ? "events" as const
        : bytes + entry.bytes > 1_048_576
        ? "bytes" as const
        : Math.max(last, entry.timestamp) - Math.min(first, entry.timestamp) > day
        ? "span" as const
        : undefined
      if (reason !== undefined && batch.length > 0) {
        full[reason]++
        send()
      }
      batch.push(entry)
      bytes += entry.bytes
      first = Math.min(first, entry.timestamp)
      last = Math.max(last, entry.timestamp)
      offered++
    }
    for (let seq = 1; seq <= count; seq++) {
      // Short lines only for a while, then any; a clock that steps back and, now and then, is days off.
      const pool = seq % 100_000 < 60_000 ? 16 : random(2000) === 0 ? 600 : 599
      clock += random(20) - 5
      const off = random(20_000)
      const timestamp = clock + (off === 0 ? (random(40) - 30) * day : off < 20 ? 3 * hour : random(3) * second)
      const line = lines[random(pool)] ?? ""
      const event = { timestamp, level: "Info", line: pool === 16 ? `{"n":"é"}` : line } as const
      for (const entry of entriesOf(event, seq)) push(entry)
    }
    send()
    assert.isAtLeast(offered, count)
    assert.strictEqual(accounted, offered)
    for (const [what, times] of Object.entries(full)) assert.isAbove(times, 5, what)
  }, 120_000)
})

const nearly = Arbitrary.map(
  Arbitrary.all([oneOf(-14 * day, 2 * hour, 0, -day, -400 * day, 400 * day), between(-2, 2)]),
  ([at, off]) => noon + at + off
)

describe("a batch as it is sent", () => {
  it("has what is exactly at the limits, and leaves out what is a millisecond beyond", () => {
    const kept = [noon - 14 * day, noon, noon + 2 * hour].map((timestamp) => entryOf(timestamp))
    const beyond = [noon - 14 * day - 1, noon + 2 * hour + 1].map((timestamp) => entryOf(timestamp))
    assert.deepStrictEqual(LogBatch.prepare([...kept, ...beyond], { now: noon }), {
      events: kept,
      rejected: { tooOld: 1, tooNew: 1 }
    })
    for (const [at, reason] of [[-15 * day, "tooOld"], [day, "tooNew"]] as const) {
      const entries = [entryOf(noon + at), entryOf(noon + at)]
      assert.deepStrictEqual(LogBatch.prepare(entries, { now: noon }), { events: [], rejected: { [reason]: 2 } })
    }
    assert.deepStrictEqual(LogBatch.prepare([], { now: noon }), { events: [], rejected: {} })
  })

  it("has the time of the service, but none before 1970", () => {
    const times = (skew: number, now = noon, at = now) =>
      LogBatch.prepare([entryOf(at), entryOf(at + 5)], { now, skew }).events.map(({ timestamp }) => timestamp)
    assert.deepStrictEqual(times(3 * hour), [noon + 3 * hour, noon + 3 * hour + 5])
    assert.deepStrictEqual(times(-3 * hour), [noon - 3 * hour, noon - 3 * hour + 5])
    assert.deepStrictEqual(times(-3 * hour, hour), [0, 0])
  })

  it.effect(`is what a naive filter and a stable sort make of any (seed ${seed})`, () =>
    Effect.gen(function*() {
      const result = yield* Arbitrary.checkEffect(
        Arbitrary.all([
          Arbitrary.array(nearly, { maxLength: 40 }),
          oneOf(0, 5 * hour, -5 * hour),
          oneOf("any", "sorted")
        ]),
        ([timestamps, skew, order]) => {
          if (order === "sorted") timestamps = timestamps.toSorted((a, b) => a - b)
          const batch = timestamps.map((timestamp, index) => Object.freeze(entryOf(timestamp, `m${index}`)))
          const { events, rejected } = LogBatch.prepare(Object.freeze(batch), { now: noon, skew })
          const isOld = ({ timestamp }: LogBatch.Entry) => timestamp < noon - 14 * day
          const isNew = ({ timestamp }: LogBatch.Entry) => timestamp > noon + 2 * hour
          const kept = batch
            .map((entry, index) => ({ entry, index }))
            .filter(({ entry }) => !isOld(entry) && !isNew(entry))
            .sort((a, b) => a.entry.timestamp - b.entry.timestamp || a.index - b.index)
          assert.deepStrictEqual(
            events,
            kept.map(({ entry }) => ({ ...entry, timestamp: entry.timestamp + skew }))
          )
          assert.deepStrictEqual({ tooOld: 0, tooNew: 0, ...rejected }, {
            tooOld: batch.filter(isOld).length,
            tooNew: batch.filter(isNew).length
          })
          assert.isTrue(Object.values(rejected).every((count) => count > 0))
          return true
        },
        { seed, runs: 2000, size: 40 }
      )
      assert.isUndefined(Arbitrary.formatCheckFailure(result))
    }))
})

const index = either(between(-3, 25), between(0, 12), oneOf(undefined))

describe("what an answer rejects", () => {
  it("is nothing when it says nothing", () => {
    assert.deepStrictEqual(LogBatch.rejections(5, undefined), {})
    assert.deepStrictEqual(LogBatch.rejections(5, {}), {})
  })

  it("begins at the first too new, and ends before the last index of those too old", () => {
    assert.deepStrictEqual(LogBatch.rejections(10, { tooNewLogEventStartIndex: 7 }), { tooNew: 3 })
    assert.deepStrictEqual(LogBatch.rejections(10, { tooNewLogEventStartIndex: 0 }), { tooNew: 10 })
    assert.deepStrictEqual(LogBatch.rejections(10, { tooOldLogEventEndIndex: 2 }), { tooOld: 2 })
    assert.deepStrictEqual(LogBatch.rejections(10, { expiredLogEventEndIndex: 2 }), { expired: 2 })
  })

  it.effect(`is what each index says by itself, whatever they are (seed ${seed})`, () =>
    Effect.gen(function*() {
      const result = yield* Arbitrary.checkEffect(
        Arbitrary.all([between(0, 20), index, index, index]),
        ([count, tooNewLogEventStartIndex, tooOldLogEventEndIndex, expiredLogEventEndIndex]) => {
          const reasonOf = (index: number): Rejection | undefined => {
            if (tooOldLogEventEndIndex !== undefined && index < tooOldLogEventEndIndex) return "tooOld"
            if (expiredLogEventEndIndex !== undefined && index < expiredLogEventEndIndex) return "expired"
            if (tooNewLogEventStartIndex !== undefined && index >= tooNewLogEventStartIndex) return "tooNew"
            return undefined
          }
          const expected: Partial<Record<Rejection, number>> = {}
          for (let index = 0; index < count; index++) {
            const reason = reasonOf(index)
            if (reason !== undefined) expected[reason] = (expected[reason] ?? 0) + 1
          }
          assert.deepStrictEqual(
            LogBatch.rejections(count, { tooNewLogEventStartIndex, tooOldLogEventEndIndex, expiredLogEventEndIndex }),
            expected
          )
          return true
        },
        { seed, runs: 3000 }
      )
      assert.isUndefined(Arbitrary.formatCheckFailure(result))
    }))

  it("adds up, and leaves what was added as it was", () => {
    const [a, b] = [Object.freeze({ tooOld: 1, invalid: 4 }), Object.freeze({ tooOld: 2, tooNew: 3 })]
    assert.deepStrictEqual(LogBatch.addUp(a, b), { tooOld: 3, tooNew: 3, invalid: 4 })
    assert.deepStrictEqual(LogBatch.addUp(b, a), { tooOld: 3, tooNew: 3, invalid: 4 })
    assert.deepStrictEqual(LogBatch.addUp({}, b), b)
    assert.deepStrictEqual(LogBatch.addUp(a, {}), a)
    assert.deepStrictEqual(LogBatch.addUp({}, {}), {})
  })
})

describe("the name of a stream", () => {
  it("is its parts without what a name cannot have", () => {
    assert.strictEqual(
      LogBatch.streamName(["orders", "i-0123", "2026-11-23T10:00:00Z-1a2b"]),
      "orders/i-0123/2026-11-23T10.00.00Z-1a2b"
    )
    assert.strictEqual(LogBatch.streamName(["a*b", "arn:aws:x", "tab\tß"]), "a_b/arn.aws.x/tab__")
  })

  it.effect(`is one that CloudWatch takes, and keeps its end, whatever the parts are (seed ${seed})`, () =>
    Effect.gen(function*() {
      const result = yield* Arbitrary.checkEffect(
        Arbitrary.all([Arbitrary.array(either(text, oneOf(":", "*", "::**")), { maxLength: 4 }), between(0, 600)]),
        ([parts, length]) => {
          const end = `${"z".repeat(length)}-${boot}`
          const name = LogBatch.streamName([...parts, end])
          assert.match(name, /^[^:*]{1,512}$/)
          assert.match(name, /^[\x20-\x7e]*$/)
          assert.isTrue(name.endsWith(end.slice(-512)))
          assert.strictEqual(name.length, Math.min(512, [...parts, end].join("/").length))
          return true
        },
        { seed, runs: 500 }
      )
      assert.isUndefined(Arbitrary.formatCheckFailure(result))
    }))

  it("is another for each of 100,000 process runs, also where the rest alone is too long", () => {
    for (const service of ["orders", "o".repeat(600)]) {
      const startedAt = new Date(noon).toISOString()
      const names = Array.from(
        { length: 100_000 },
        () => LogBatch.streamName([service, "i-0123", `${startedAt}-${nextSpanId()}`])
      )
      assert.strictEqual(new Set(names).size, names.length)
    }
  })
})
