import * as Result from "effect/Result"
import * as SettingText from "./SettingText.ts"

/**
 * One named value found at start: where it may come from, how its text is read, what it is otherwise.
 *
 * `parse` fails with what was expected, to be read after "expected".
 *
 * @category models
 * @since 1.1.0
 */
export interface Setting<A> {
  readonly flag: string
  readonly env: string
  readonly description: string
  readonly fallback: string
  /** What it is otherwise where there is a load balancer to wait for. */
  readonly fallbackOnAws?: string
  readonly parse: (text: string) => Result.Result<A, string>
}

const setting = <A>(options: Setting<A>): Setting<A> => options

/**
 * The chassis' own settings.
 *
 * @category constants
 * @since 1.1.0
 */
export const definitions = {
  host: setting({
    flag: "host",
    env: "HOST",
    description: "address of the service listener, :: for every one, IPv4 too",
    fallback: "::",
    parse: SettingText.host
  }),
  port: setting({
    flag: "port",
    env: "PORT",
    description: "port of the service listener, 0 for any free one",
    fallback: "8080",
    parse: SettingText.port
  }),
  adminHost: setting({
    flag: "admin-host",
    env: "ADMIN_HOST",
    description: "address of the admin listener; anything but loopback exposes diagnostics",
    fallback: "127.0.0.1",
    parse: SettingText.host
  }),
  adminPort: setting({
    flag: "admin-port",
    env: "ADMIN_PORT",
    description: "port of the admin listener, 0 for any free one",
    fallback: "9990",
    parse: SettingText.port
  }),
  adminNames: setting({
    flag: "admin-names",
    env: "ADMIN_NAMES",
    description: "names, besides addresses, that the admin listener answers to where it is not on loopback",
    fallback: "none",
    parse: SettingText.hosts
  }),
  maxBody: setting({
    flag: "max-body",
    env: "MAX_BODY",
    description: "largest request body that is taken",
    fallback: "1MiB",
    parse: SettingText.bytes(0, "a size such as 64KiB or 1MiB")
  }),
  maxInFlight: setting({
    flag: "max-in-flight",
    env: "MAX_IN_FLIGHT",
    description: "requests of the service listener that may be under way at a time; more are told to come back",
    fallback: "1000",
    parse: SettingText.count
  }),
  requestTimeout: setting({
    flag: "request-timeout",
    env: "REQUEST_TIMEOUT",
    description: "how long a request, body included, may take to arrive",
    fallback: "60s",
    parse: SettingText.positive
  }),
  lameduck: setting({
    flag: "lameduck",
    env: "LAMEDUCK",
    description: "how long to keep serving, not ready, after SIGTERM",
    fallback: "0s",
    fallbackOnAws: "5s",
    parse: SettingText.duration
  }),
  shutdownDeadline: setting({
    flag: "shutdown-deadline",
    env: "SHUTDOWN_DEADLINE",
    description: "how long requests in flight may take after the lameduck delay",
    fallback: "10s",
    parse: SettingText.duration
  }),
  logLevel: setting({
    flag: "log-level",
    env: "LOG_LEVEL",
    description: "lowest level that is logged",
    fallback: "info",
    parse: SettingText.logLevel
  }),
  debugBuffer: setting({
    flag: "debug-buffer",
    env: "DEBUG_BUFFER",
    description: "on keeps the lines of a request below the log level, and logs them if it fails",
    fallback: "off",
    parse: SettingText.onOff
  }),
  logFormat: setting({
    flag: "log-format",
    env: "LOG_FORMAT",
    description: "auto (pretty on a terminal), json or pretty",
    fallback: "auto",
    parse: SettingText.logFormat
  }),
  metricsInterval: setting({
    flag: "metrics-interval",
    env: "METRICS_INTERVAL",
    description: "how often metrics are posted",
    fallback: "60s",
    parse: SettingText.duration
  }),
  environment: setting({
    flag: "environment",
    env: "KEELSON_ENVIRONMENT",
    description: "auto (found without any request), local, ec2 or ecs; only local keeps logs and metrics here",
    fallback: "auto",
    parse: SettingText.oneOf(["auto", "local", "ec2", "ecs"])
  }),
  stack: setting({
    flag: "stack",
    env: "STACK",
    description: "CloudFormation stack whose outputs are settings; auto is the instance's own",
    fallback: "auto",
    parse: SettingText.stackName
  }),
  settingsMode: setting({
    flag: "settings",
    env: "KEELSON_SETTINGS",
    description: "required: no start without the stack's outputs; optional: start with the defaults and warn",
    fallback: "required",
    parse: SettingText.oneOf(["required", "optional"])
  }),
  discoveryDeadline: setting({
    flag: "discovery-deadline",
    env: "DISCOVERY_DEADLINE",
    description: "how long finding the stack's outputs may take",
    fallback: "10s",
    parse: SettingText.duration
  }),
  outputsInterval: setting({
    flag: "outputs-interval",
    env: "OUTPUTS_INTERVAL",
    description: "how often the stack's outputs are read again",
    fallback: "5m",
    parse: SettingText.duration
  }),
  logGroup: setting({
    flag: "log-group",
    env: "LOG_GROUP",
    description: "CloudWatch log group",
    fallback: `/${SettingText.servicePlaceholder}`,
    parse: SettingText.logGroup
  }),
  logRetention: setting({
    flag: "log-retention",
    env: "LOG_RETENTION",
    description: "days a log group keeps events that this service had to create itself, or never",
    fallback: "30",
    parse: SettingText.retention
  }),
  metricsNamespace: setting({
    flag: "metrics-namespace",
    env: "METRICS_NAMESPACE",
    description: "CloudWatch metrics namespace",
    fallback: SettingText.servicePlaceholder,
    parse: SettingText.namespace
  }),
  metricsResolution: setting({
    flag: "metrics-resolution",
    env: "METRICS_RESOLUTION",
    description: "60, or 1 for high resolution, which costs more; seconds",
    fallback: "60",
    parse: (text) => Result.map(SettingText.oneOf(["1", "60"])(text), (text) => text === "1" ? 1 as const : 60 as const)
  }),
  metricsInstance: setting({
    flag: "metrics-instance",
    env: "METRICS_INSTANCE",
    description: "on gives every series the instance as dimension: as many series as instances",
    fallback: "off",
    parse: SettingText.onOff
  }),
  metricsAmbiguous: setting({
    flag: "metrics-ambiguous",
    env: "METRICS_AMBIGUOUS",
    description:
      "what to do with metrics that may or may not have been taken: retry (may count twice) or drop (may lose)",
    fallback: "retry",
    parse: SettingText.oneOf(["retry", "drop"])
  }),
  fibers: setting({
    flag: "fibers",
    env: "FIBERS",
    description: "on keeps a list of live fibers, for profiles; off only counts them",
    fallback: "on",
    parse: SettingText.onOff
  }),
  heapSampling: setting({
    flag: "heap-sampling",
    env: "HEAP_SAMPLING",
    description: "on samples allocations from the start, so that heap profiles know what is older than the request",
    fallback: "off",
    parse: SettingText.onOff
  }),
  telemetryBuffer: setting({
    flag: "telemetry-buffer",
    env: "TELEMETRY_BUFFER",
    description: "how much of the logs is kept while CloudWatch does not take them",
    fallback: "32MiB",
    parse: SettingText.bytes(2 ** 20, "1MiB or more, such as 32MiB")
  }),
  flushDeadline: setting({
    flag: "flush-deadline",
    env: "FLUSH_DEADLINE",
    description: "how long the end may take to deliver logs and metrics",
    fallback: "10s",
    parse: SettingText.duration
  })
}

/**
 * The values of {@link definitions}.
 *
 * @category models
 * @since 1.1.0
 */
export type Values = {
  readonly [K in keyof typeof definitions]: (typeof definitions)[K] extends Setting<infer A> ? A : never
}

/**
 * The names of {@link definitions}.
 *
 * @category constants
 * @since 1.1.0
 */
export const names = Object.keys(definitions) as ReadonlyArray<keyof Values>

/**
 * The settings by which tags and outputs are found, and which come from neither.
 *
 * @category constants
 * @since 1.1.0
 */
export const earlyNames = ["environment", "stack", "settingsMode", "discoveryDeadline"] as const
