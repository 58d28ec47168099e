import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { ServiceName } from "../services/BuildInfo.ts"
import { Environment } from "../services/Environment.ts"
import type { Ledger } from "../services/Ledger.ts"
import * as LogBatch from "../services/LogBatch.ts"
import type { LogSink } from "../services/LogSink.ts"
import type { MetricSink } from "../services/MetricSink.ts"
import { Settings } from "../services/Settings.ts"
import { servicePlaceholder } from "../services/SettingText.ts"
import * as TraceContext from "../services/TraceContext.ts"
import * as AskedRegion from "./AskedRegion.ts"
import * as LogSinkCloudWatch from "./LogSinkCloudWatch.ts"
import * as MetricSinkCloudWatch from "./MetricSinkCloudWatch.ts"

/**
 * Both sinks on AWS, as the settings say: a log stream of this process run's own, and one metrics namespace.
 *
 * @category layers
 * @since 1.1.0
 */
export const layer: Layer.Layer<LogSink | MetricSink, never, Environment | Ledger> = Layer.unwrap(
  Effect.gen(function*() {
    const settings = yield* Settings
    const service = yield* ServiceName
    const { instance, kind, region: known } = yield* Environment
    const region = known ?? (kind === "ec2" ? AskedRegion.make(askRegion) : undefined)
    const startedAt = new Date(yield* Clock.currentTimeMillis).toISOString()
    const boot = LogSinkCloudWatch.newBoot()
    const named = (text: string) => text.replaceAll(servicePlaceholder, service)
    return Layer.mergeAll(
      LogSinkCloudWatch.layer({
        region,
        group: named(settings.logGroup),
        stream: LogBatch.streamName([service, instance, `${startedAt}-${boot}${TraceContext.nextSpanId()}`]),
        boot,
        retentionDays: settings.logRetention,
        maxBufferedBytes: settings.telemetryBuffer,
        drainDeadline: settings.flushDeadline
      }),
      MetricSinkCloudWatch.layer({
        region,
        namespace: named(settings.metricsNamespace),
        service,
        instance: settings.metricsInstance ? instance : undefined,
        resolution: settings.metricsResolution,
        ambiguous: settings.metricsAmbiguous,
        drainDeadline: settings.flushDeadline
      })
    )
  })
)

// An instance that did not answer at the start may do so when there is something to deliver.
const askRegion = async () => (await import("./InstanceMetadata.ts")).make().region()
