import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"

/**
 * One metric value as CloudWatch names it.
 *
 * `timestamp` is milliseconds since the epoch. `values` and `counts` have the same length; a counter's value is the
 * increase since the last snapshot, a gauge's its current value, a histogram's are one of each bucket, with its count.
 *
 * @category models
 * @since 1.1.0
 */
export interface Datum {
  readonly name: string
  readonly unit: Unit
  readonly timestamp: number
  readonly dimensions: Readonly<Record<string, string>>
  readonly values: ReadonlyArray<number>
  readonly counts: ReadonlyArray<number>
}

/**
 * The CloudWatch units that keelson posts.
 *
 * @category models
 * @since 1.1.0
 */
export type Unit = "Count" | "Bytes" | "Seconds" | "Milliseconds" | "Percent" | "None"

/**
 * A batch of datums could not be handed over.
 *
 * @category errors
 * @since 1.1.0
 */
export class MetricSinkError extends Schema.TaggedError<MetricSinkError>()("MetricSinkError", {
  message: Schema.String,
  cause: Schema.Defect()
}) {}

/**
 * Where metric datums are posted: CloudWatch Metrics, memory, or nowhere when local (the ring of recent datums and
 * `/metrics` are fed before the sink).
 *
 * @category services
 * @since 1.1.0
 */
export class MetricSink extends Context.Service<MetricSink, {
  readonly put: (datums: ReadonlyArray<Datum>) => Effect.Effect<void, MetricSinkError>
}>()("keelson/services/MetricSink") {}

/**
 * What {@link layerMemory} received, oldest first.
 *
 * @category testing
 * @since 1.1.0
 */
export class MetricSinkMemory extends Context.Service<MetricSinkMemory, {
  readonly datums: ReadonlyArray<Datum>
}>()("keelson/services/MetricSink/MetricSinkMemory") {}

/**
 * A sink that keeps every datum in memory, for tests.
 *
 * @category testing
 * @since 1.1.0
 */
export const layerMemory: Layer.Layer<MetricSink | MetricSinkMemory> = Layer.effectContext(Effect.sync(() => {
  const datums: Array<Datum> = []
  return Context.make(MetricSinkMemory, { datums }).pipe(
    Context.add(MetricSink, {
      put: (batch) =>
        Effect.sync(() => {
          datums.push(...batch)
        })
    })
  )
}))

/**
 * Posts nowhere: the local environment.
 *
 * @category layers
 * @since 1.1.0
 */
export const layerLocal: Layer.Layer<MetricSink> = Layer.succeed(MetricSink, { put: () => Effect.void })
