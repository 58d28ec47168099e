import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"

/**
 * Why CloudWatch refused an item that it was given.
 *
 * @category models
 * @since 1.1.0
 */
export type Rejection = "tooOld" | "tooNew" | "expired" | "invalid"

/**
 * Why an item was given up without being delivered: `overflow` when the buffer was full, `deadline` when the process
 * ended first, `afterClose` when it was offered later than that, `ambiguous` when it may have been taken and must not
 * be counted twice.
 *
 * @category models
 * @since 1.1.0
 */
export type Drop = "overflow" | "deadline" | "afterClose" | "ambiguous"

/**
 * What became of everything offered to one sink, in events (logs) or datums (metrics).
 *
 * **Details**
 *
 * At every instant `offered = delivered + rejected + dropped + buffered + inFlight`, each the sum of its reasons.
 * Delivered means acknowledged with a request id. `repeated` is not part of the sum: items sent again although an
 * earlier, unanswered request may have delivered them. `failure` is why the last request failed, until one succeeds.
 *
 * @category models
 * @since 1.1.0
 */
export interface Account {
  readonly name: string
  offered: number
  delivered: number
  readonly rejected: Record<Rejection, number>
  readonly dropped: Record<Drop, number>
  buffered: number
  inFlight: number
  bufferedBytes: number
  repeated: number
  requests: number
  failedRequests: number
  failure: string | undefined
}

/**
 * An account with nothing on it.
 *
 * @category constructors
 * @since 1.1.0
 */
export const makeAccount = (name: string): Account => ({
  name,
  offered: 0,
  delivered: 0,
  rejected: { tooOld: 0, tooNew: 0, expired: 0, invalid: 0 },
  dropped: { overflow: 0, deadline: 0, afterClose: 0, ambiguous: 0 },
  buffered: 0,
  inFlight: 0,
  bufferedBytes: 0,
  repeated: 0,
  requests: 0,
  failedRequests: 0,
  failure: undefined
})

/**
 * @category getters
 * @since 1.1.0
 */
export const rejectedOf = ({ rejected: { expired, invalid, tooNew, tooOld } }: Account): number =>
  tooOld + tooNew + expired + invalid

/**
 * @category getters
 * @since 1.1.0
 */
export const droppedOf = ({ dropped: { afterClose, ambiguous, deadline, overflow } }: Account): number =>
  overflow + deadline + afterClose + ambiguous

/**
 * What was offered and is nowhere on the account. Never anything but 0.
 *
 * @category getters
 * @since 1.1.0
 * @example
 * ```ts
 * unaccounted(makeAccount("logs")) // 0
 * ```
 */
export const unaccounted = (account: Account): number =>
  account.offered - account.delivered - rejectedOf(account) - droppedOf(account) - account.buffered - account.inFlight

/**
 * The account in words: what is not delivered, by reason.
 *
 * @category rendering
 * @since 1.1.0
 */
export const describe = (account: Account): string => {
  const parts: ReadonlyArray<readonly [number, string]> = [
    [account.delivered, "delivered"],
    ...Object.entries(account.rejected).map(([reason, count]) => [count, `rejected (${reason})`] as const),
    ...Object.entries(account.dropped).map(([reason, count]) => [count, `dropped (${reason})`] as const),
    [account.buffered, "buffered"],
    [account.inFlight, "in flight"],
    [account.repeated, "sent again, may be there twice"]
  ]
  const said = parts.filter(([count]) => count > 0).map(([count, words]) => `${count} ${words}`)
  return `${account.name}: ${account.offered} offered${said.length === 0 ? "" : `, ${said.join(", ")}`}`
}

/**
 * The accounts of all sinks of this process.
 *
 * `open` adds an account; the metrics `keelson_telemetry_items_total` (by `account` and `outcome`) and
 * `keelson_telemetry_buffered_bytes` are read from it.
 *
 * @category services
 * @since 1.1.0
 */
export class Ledger extends Context.Service<Ledger, {
  readonly open: (name: string) => Effect.Effect<Account>
  readonly accounts: () => ReadonlyArray<Account>
}>()("keelson/services/Ledger") {}

const outcomes = {
  delivered: ({ delivered }: Account) => delivered,
  rejected: rejectedOf,
  dropped: droppedOf
}

const register = (account: Account) =>
  Effect.map(Effect.context<never>(), (context) => {
    const pulled = <State>(get: () => State) => ({ get, update: () => {}, modify: () => {} })
    for (const [outcome, count] of Object.entries(outcomes)) {
      Metric.registerUnsafe(
        Metric.counter("keelson_telemetry_items_total", {
          description: "Log events and metric datums by what became of them",
          attributes: { account: account.name, outcome },
          incremental: true
        }),
        context,
        pulled(() => ({ count: count(account), incremental: true }))
      )
    }
    Metric.registerUnsafe(
      Metric.gauge("keelson_telemetry_buffered_bytes", {
        description: "Telemetry waiting to be delivered or on its way",
        attributes: { account: account.name }
      }),
      context,
      pulled(() => ({ value: account.bufferedBytes }))
    )
  })

/**
 * A ledger without accounts.
 *
 * @category layers
 * @since 1.1.0
 */
export const layer: Layer.Layer<Ledger> = Layer.sync(Ledger, () => {
  const accounts: Array<Account> = []
  return {
    open: (name) => {
      const account = makeAccount(name)
      accounts.push(account)
      return Effect.as(register(account), account)
    },
    accounts: () => accounts
  }
})
