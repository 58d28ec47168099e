import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import type * as Backlog from "../services/Backlog.ts"
import { Ledger } from "../services/Ledger.ts"
import * as MetricPost from "../services/MetricPost.ts"
import { MetricSink } from "../services/MetricSink.ts"
import type { AwsOptions } from "./AwsOptions.ts"
import type { CloudWatchMetrics } from "./CloudWatchMetrics.ts"
import * as DeliveryReport from "./DeliveryReport.ts"
import * as LazyClient from "./LazyClient.ts"
import * as Shipper from "./Shipper.ts"
import { Unacknowledged } from "./Unacknowledged.ts"

/**
 * The namespace to post to, which dimensions there are, and what may differ from {@link Shipper.defaults}.
 *
 * **Details**
 *
 * PutMetricData adds up what it is sent: a datum sent twice counts twice. When an answer is missing it is not known
 * whether the datums were taken. `ambiguous: "retry"` (the default) sends them again: nothing is lost, some may count
 * twice. `"drop"` does not: nothing counts twice, some may be lost. The account counts either.
 *
 * @category models
 * @since 1.1.0
 */
export interface Options extends AwsOptions, MetricPost.Options {
  readonly namespace: string
  readonly ambiguous?: "retry" | "drop" | undefined
  readonly maxBufferedBytes?: number | undefined
  readonly flushInterval?: Duration.Input | undefined
  readonly requestTimeout?: Duration.Input | undefined
  readonly drainDeadline?: Duration.Input | undefined
}

interface Item extends Backlog.Item {
  readonly datum: MetricPost.PostDatum
}

const overflows = Metric.counter("keelson_metric_datums_overflowed_total", {
  description: "Metric datums that went into the series `other` of their name",
  incremental: true
})

const maxBufferedBytes = 8 * 1024 * 1024
// How far from now CloudWatch takes a value: two weeks back, two hours ahead; one beyond fails the whole call.
const past = 14 * 86_400_000
const future = 2 * 3_600_000

/**
 * Delivers metric datums straight to CloudWatch Metrics, through a {@link Shipper}, each with its own minute however
 * late it arrives. The role needs `cloudwatch:PutMetricData`.
 *
 * **Details**
 *
 * `put` hands over and returns at once. A datum that CloudWatch could not take (`MetricPost`) is left out alone and
 * counted as rejected. The AWS SDK is loaded with the first request, and compresses large ones.
 *
 * @category layers
 * @since 1.1.0
 */
export const layer = (options: Options): Layer.Layer<MetricSink, never, Ledger> =>
  Layer.effect(
    MetricSink,
    Effect.gen(function*() {
      const context = yield* Effect.context<never>()
      const account = yield* Effect.flatMap(Ledger, (ledger) => ledger.open("metrics"))
      const clock = yield* Clock.Clock
      const client = yield* LazyClient.make<CloudWatchMetrics>(async (previous) => {
        const { make } = await import("./CloudWatchMetrics.ts")
        return make({ ...options, systemClockOffset: previous?.systemClockOffset() })
      })
      const onFailure = yield* DeliveryReport.make(account)

      const send = (batch: ReadonlyArray<Item>) =>
        client.use(async (metrics, signal) => {
          const now = clock.currentTimeMillisUnsafe()
          const taken = batch.filter(({ timestamp }) => timestamp > now - past && timestamp <= now + future)
          const tooNew = batch.filter(({ timestamp }) => timestamp > now + future).length
          const receipt = { tooOld: batch.length - taken.length - tooNew, tooNew }
          if (taken.length === 0) return receipt
          const { $metadata } = await metrics.put(taken.map(({ datum }) => datum), signal)
          if ($metadata.requestId === undefined) throw new Unacknowledged()
          return receipt
        })

      const shipper = yield* Shipper.make<Item>({
        maxBufferedBytes,
        ...options,
        account,
        limits: { bytes: MetricPost.limits.bytes, items: MetricPost.limits.datums },
        parallel: 1,
        send,
        onFailure
      })

      return {
        put: (given) =>
          Effect.sync(() => {
            const { datums, invalid, overflowed } = MetricPost.make(given, options)
            if (overflowed > 0) overflows.updateUnsafe(overflowed, context)
            account.offered += invalid
            account.rejected.invalid += invalid
            for (const datum of datums) {
              shipper.offer({
                datum,
                bytes: MetricPost.sizeOf(datum),
                timestamp: datum.Timestamp.getTime(),
                priority: 1
              })
            }
          })
      }
    })
  )
