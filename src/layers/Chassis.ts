import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodeHttpPlatform from "@effect/platform-node/NodeHttpPlatform"
import * as NodePath from "@effect/platform-node/NodePath"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Etag from "effect/http/Etag"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import { fstatSync } from "node:fs"
import { isatty } from "node:tty"
import * as BreakGlassService from "../services/BreakGlass.ts"
import * as EnvironmentService from "../services/Environment.ts"
import * as HealthService from "../services/Health.ts"
import * as History from "../services/History.ts"
import * as HttpMetrics from "../services/HttpMetrics.ts"
import * as Ledger from "../services/Ledger.ts"
import * as Lifecycle from "../services/Lifecycle.ts"
import * as LogLevelsService from "../services/LogLevels.ts"
import * as Logs from "../services/Logs.ts"
import * as LogSink from "../services/LogSink.ts"
import * as MetricSink from "../services/MetricSink.ts"
import * as OutputsService from "../services/Outputs.ts"
import * as Recent from "../services/Recent.ts"
import { Settings, type SettingsError, SettingsReport } from "../services/Settings.ts"
import * as BoundsHealth from "./BoundsHealth.ts"
import * as BreakGlass from "./BreakGlass.ts"
import * as Crash from "./Crash.ts"
import { configProvider } from "./DeclaredSettings.ts"
import * as DeliveryHealth from "./DeliveryHealth.ts"
import * as Environment from "./Environment.ts"
import * as FiberRegistry from "./FiberRegistry.ts"
import * as Health from "./Health.ts"
import * as Logger from "./Logger.ts"
import * as LogLevels from "./LogLevels.ts"
import * as LogSinkStdout from "./LogSinkStdout.ts"
import * as Metrics from "./Metrics.ts"
import * as Outputs from "./Outputs.ts"
import * as ProcessMetrics from "./ProcessMetrics.ts"
import * as Sampler from "./Sampler.ts"
import { discover, type Discovered, type SettingsUnavailable } from "./Settings.ts"

// What serving files and bodies needs; NodeHttpServer.layerHttpServices adds terminals and child processes to it.
const httpServices = Layer.mergeAll(NodeHttpPlatform.layer, Etag.layerWeak, NodeFileSystem.layer, NodePath.layer)

/**
 * Everything the chassis gives an app, and an app may ask for.
 *
 * @category models
 * @since 1.1.0
 */
export type Microservice =
  | BreakGlassService.BreakGlass
  | EnvironmentService.Environment
  | HealthService.Health
  | History.History
  | HttpMetrics.HttpMetrics
  | Ledger.Ledger
  | Lifecycle.Lifecycle
  | Logs.Logs
  | LogSink.LogSink
  | MetricSink.MetricSink
  | Metrics.Metrics
  | OutputsService.Outputs
  | Recent.Recent
  | Layer.Success<typeof httpServices>

const runtime = Layer.mergeAll(
  httpServices,
  Lifecycle.layer,
  HttpMetrics.layer,
  Metrics.layer.pipe(Layer.provide(BoundsHealth.layer)),
  Sampler.layer,
  DeliveryHealth.layer,
  BreakGlass.layer,
  Crash.layer
).pipe(
  Layer.provideMerge(ProcessMetrics.layer),
  Layer.provideMerge(Logger.layer),
  Layer.provideMerge(Logs.layer),
  Layer.provideMerge(Recent.layer)
)

/**
 * The runtime as `serve` gets it: settings of the environment, real health checks; logs and metrics go to CloudWatch on
 * AWS, else logs to stdout.
 *
 * @category layers
 * @since 1.1.0
 */
export const MicroserviceLive: Layer.Layer<Microservice, SettingsError | SettingsUnavailable> = Layer.suspend(() =>
  Layer.unwrap(Effect.map(discover({}), (discovered) => layerLive(discovered)))
)

/**
 * The runtime with given settings; `logsTo` is stdout for a server, stderr for a command whose output is data.
 *
 * @category layers
 * @since 1.1.0
 */
export const layerLive = (
  { instance, kind, readOutputs, region, report, sources, values: settings, warning }: Discovered,
  options: { readonly logsTo: "stdout" | "stderr" } = { logsTo: "stdout" }
): Layer.Layer<Microservice> => {
  const fd = options.logsTo === "stdout" ? 1 : 2
  // Node makes its stream when it is first looked at: the sink does that after the start. Its terminals are loaded when
  // they are first asked about.
  const terminal = fstatSync(fd).isCharacterDevice() && isatty(fd)
  const pretty = settings.logFormat === "pretty" || (settings.logFormat === "auto" && terminal)
  const local = Layer.mergeAll(
    MetricSink.layerLocal,
    LogSinkStdout.layer({
      fd,
      pretty,
      colours: terminal && process.env["NO_COLOR"] === undefined
    })
  )
  const cloudWatch = Layer.unwrap(Effect.promise(async () => (await import("./CloudWatch.ts")).layer))
  const sinks = kind === "local" || options.logsTo === "stderr" ? local : cloudWatch
  const noticed = warning === undefined ? Layer.empty : HealthService.check({
    name: "settings",
    critical: false,
    check: Effect.fail(warning)
  })
  const sampled = settings.heapSampling
    ? Layer.effectDiscard(Effect.flatMap(Effect.promise(() => import("./Profiler.ts")), (p) => p.sampleHeap))
    : Layer.empty
  const outputs = { ...sources.outputs }
  return Layer.provideMerge(Layer.mergeAll(noticed, sampled, Outputs.layer(outputs, readOutputs)), runtime).pipe(
    Layer.provideMerge(sinks),
    Layer.provideMerge(Layer.mergeAll(Environment.layer(kind, { instance, region }), Ledger.layer, Health.layer)),
    Layer.provideMerge(Layer.mergeAll(
      Layer.succeed(Settings, settings),
      Layer.succeed(SettingsReport, report),
      ConfigProvider.layer(configProvider({ ...sources, outputs })),
      Layer.provideMerge(FiberRegistry.layer({ list: settings.fibers }), LogLevels.layer(settings.logLevel))
    ))
  )
}

/**
 * The runtime for tests: logs and metrics stay in memory (`LogSinkMemory`, `MetricSinkMemory`), nothing listens, no
 * check runs, and the metric registry is the test's own.
 *
 * @category testing
 * @since 1.1.0
 */
export const MicroserviceMemory: Layer.Layer<
  Microservice | LogSink.LogSinkMemory | MetricSink.MetricSinkMemory | OutputsService.OutputsMemory
> = Layer
  .suspend(() =>
    Layer.mergeAll(httpServices, Lifecycle.layer, History.layerMemory, HttpMetrics.layer, Metrics.layer).pipe(
      Layer.provideMerge(Logger.layer),
      Layer.provideMerge(Logs.layer),
      Layer.provideMerge(Layer.mergeAll(
        Recent.layer,
        LogLevelsService.layerMemory,
        BreakGlassService.layerMemory,
        EnvironmentService.layerMemory,
        Ledger.layer,
        HealthService.layerMemory,
        LogSink.layerMemory,
        MetricSink.layerMemory,
        OutputsService.layerMemory,
        Layer.sync(Metric.MetricRegistry, () => new Map())
      ))
    )
  )
