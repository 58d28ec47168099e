import { Context, Effect, Exit, Layer, Scope } from "effect"
import { assert } from "vitest"
import * as DeliveryReport from "../../src/layers/DeliveryReport.ts"
import * as LogSinkCloudWatch from "../../src/layers/LogSinkCloudWatch.ts"
import * as Ledger from "../../src/services/Ledger.ts"
import { encode, type LogEntry } from "../../src/services/LogEncoder.ts"
import { LogSink } from "../../src/services/LogSink.ts"
import * as FakeCloudWatch from "./FakeCloudWatch.ts"

export const group = "/orders"
export const stream = "orders/i-1"

interface Line {
  readonly message: string
  readonly level: string
  readonly boot: string
  readonly seq: number
  readonly part?: number
  readonly parts?: number
  readonly text?: string
  readonly dropped?: number
  readonly reasons?: { readonly overflow?: number }
}

/** Resolves as soon as `condition` holds. */
export const until = (condition: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() => condition() ? Effect.void : Effect.andThen(Effect.sleep(5), until(condition)))

/** A sink of log events and the CloudWatch it writes to; the log group is there unless `create` is false. */
export const setUp = Effect.fnUntraced(function*(options: {
  readonly fake?: FakeCloudWatch.Options
  readonly sink?: Partial<LogSinkCloudWatch.Options>
  readonly create?: boolean
} = {}) {
  const fake = yield* Effect.acquireRelease(
    Effect.promise(() => FakeCloudWatch.start(options.fake)),
    (fake) => Effect.promise(() => fake.close())
  )
  if (options.create !== false) fake.createGroup(group)
  const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
  const said: Array<string> = []
  const context = yield* LogSinkCloudWatch.layer({
    group,
    stream,
    region: "eu-west-1",
    endpoint: fake.url,
    flushInterval: 10,
    ...options.sink
  }).pipe(
    Layer.provideMerge(Ledger.layer),
    Layer.provide(Layer.succeed(DeliveryReport.Write, (line) => {
      said.push(line)
    })),
    Layer.buildWithScope(scope)
  )
  const [account] = Context.get(context, Ledger.Ledger).accounts()
  if (account === undefined) return assert.fail("there is no account")
  const sink = Context.get(context, LogSink)
  let created = 0

  const offer = (more: Partial<LogEntry> = {}) => {
    const entry = { timestamp: Date.now(), level: "Info", message: `line ${++created}`, ...more } as const
    sink.offer({ timestamp: entry.timestamp, level: entry.level, line: encode(entry) })
  }
  const events = () => fake.allEvents().map((event) => ({ ...event, ...JSON.parse(event.message) as Line }))
  const puts = () => fake.calls.filter(({ operation }) => operation === "PutLogEvents")
  const controls = () => fake.calls.filter(({ operation }) => operation !== "PutLogEvents")

  /** Checks what holds whatever happened; gives the number of events that the service has, and of those it has twice. */
  const assertExact = () => {
    const acknowledged = new Set<string>()
    const distinct = new Set<string>()
    const twice = new Set<string>()
    for (const { ambiguous, boot, part = 1, seq } of events()) {
      const key = `${boot}/${seq}/${part}`
      if (distinct.has(key)) twice.add(key)
      distinct.add(key)
      if (ambiguous) continue
      assert.isFalse(acknowledged.has(key), `${key} was sent again after it was acknowledged`)
      acknowledged.add(key)
    }
    assert.deepStrictEqual(fake.violations, [])
    assert.strictEqual(Ledger.unaccounted(account), 0)
    assert.strictEqual(account.delivered, acknowledged.size, "the ledger says what the service has")
    assert.isAtMost(twice.size, account.repeated, "what may be there twice is counted")
    return { distinct: distinct.size, duplicates: twice.size }
  }

  /** Checks that everything offered was delivered. */
  const assertDelivered = () => {
    const { distinct, duplicates } = assertExact()
    assert.deepInclude(account, { delivered: account.offered, buffered: 0, inFlight: 0, bufferedBytes: 0 })
    assert.strictEqual(distinct, account.offered)
    return { duplicates }
  }

  return {
    fake,
    sink,
    account,
    said,
    offer,
    offerMany: (count: number, more?: Partial<LogEntry>) => {
      for (let index = 0; index < count; index++) offer(more)
    },
    events,
    puts,
    controls,
    assertExact,
    assertDelivered,
    close: Scope.close(scope, Exit.void)
  }
})
