import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import * as Backoff from "../services/Backoff.ts"
import { classify, type DeliveryError } from "../services/DeliveryError.ts"
import type { Kind } from "../services/Environment.ts"
import { settingsUnavailable } from "../services/ExitCode.ts"
import { earlyNames, type Values } from "../services/SettingDefinitions.ts"
import * as Settings from "../services/Settings.ts"
import type { AwsOptions } from "./AwsOptions.ts"
import * as DeclaredSettings from "./DeclaredSettings.ts"
import * as Environment from "./Environment.ts"
import type { InstanceMetadata } from "./InstanceMetadata.ts"
import type { TaskMetadata } from "./TaskMetadata.ts"

/**
 * The outputs of the stack could not be read, and the service must not start without (`settingsMode`).
 *
 * @category errors
 * @since 1.1.0
 */
export class SettingsUnavailable extends Schema.TaggedError<SettingsUnavailable>()("SettingsUnavailable", {
  message: Schema.String
}) {
  override readonly [Runtime.errorExitCode]: number = settingsUnavailable
}

/**
 * The settings of this process, where they came from, and why some could not be looked up.
 *
 * @category models
 * @since 1.1.0
 */
export interface Discovered {
  readonly values: Values
  readonly sources: Settings.Sources
  readonly report: Settings.Report
  readonly kind: Kind
  readonly region: string | undefined
  /** What tells this process from its siblings, where the platform said it. */
  readonly instance?: string | undefined
  readonly warning?: string | undefined
  /** Reads the outputs again, where there is a stack. */
  readonly readOutputs?: Effect.Effect<Readonly<Record<string, string>>, string> | undefined
}

/**
 * What {@link discover} asks, in tests something else than AWS.
 *
 * @category models
 * @since 1.1.0
 */
export interface Platform {
  readonly signs: Environment.Signs
  readonly metadata: () => Promise<InstanceMetadata>
  readonly task: (uri: string) => Promise<TaskMetadata>
  readonly outputsOf: (
    stack: string,
    options: AwsOptions,
    signal: AbortSignal
  ) => Promise<Readonly<Record<string, string>>>
}

const stackTag = "aws:cloudformation:stack-name"

/**
 * Finds the settings of this process: flags, environment variables, tags of the instance, outputs of its stack.
 *
 * **Details**
 *
 * Off AWS nothing is asked. On EC2 the instance's metadata names the Region and, where tags in metadata are on, the
 * stack; elsewhere `--stack` does. The stack is described once, and again with growing delays while CloudFormation
 * throttles or fails, until the discovery deadline. An instance that does not answer about itself, and whose stack
 * nobody named, starts with what there is, and a warning.
 *
 * @category constructors
 * @since 1.1.0
 */
export const discover = (
  flags: Settings.Sources["flags"],
  declared: DeclaredSettings.Declared = {},
  platform: Platform = aws
): Effect.Effect<Discovered, Settings.SettingsError | SettingsUnavailable> =>
  Effect.gen(function*() {
    // Each look at the process' own variables is a call out of JavaScript.
    const env = { ...platform.signs.env }
    const detected = Environment.detect(platform.signs)
    const early = Settings.read(earlyNames, { flags, env })
    if (Result.isFailure(early)) {
      return yield* settle(declared, { kind: detected, region: undefined, sources: { flags, env } })
    }
    const { discoveryDeadline, environment, settingsMode, stack: named } = early.success
    const kind = environment === "auto" ? detected : environment
    const given: Settings.Sources = { flags, env, kind }
    const region = env["AWS_REGION"] || env["AWS_DEFAULT_REGION"] || undefined
    if (kind === "local" && named === "auto") {
      return yield* settle(declared, { kind, region, sources: given })
    }

    // A machine that is only told to be an instance has nobody to ask, unless it is told whom.
    const answers = detected === "ec2" || Boolean(env["AWS_EC2_METADATA_SERVICE_ENDPOINT"])
    const taskUri = env["ECS_CONTAINER_METADATA_URI_V4"]
    const instance = yield* Effect.result(
      kind === "ec2" && answers
        ? askInstance(platform, region)
        : kind === "ecs" && taskUri
        ? askTask(platform, taskUri, region)
        : Effect.succeed({ region })
    )
    if (Result.isFailure(instance) && named === "auto") {
      return yield* settle(declared, { kind, region, sources: given, warning: instance.failure })
    }
    const about: Instance = Result.getOrElse(instance, () => ({ region }))
    const place = { kind, region: about.region, instance: about.instance }
    const stack = named === "auto" ? about.tags?.[stackTag] : named

    const readOutputs = stack === undefined ? undefined : describe(platform, stack, about, discoveryDeadline)
    const outputs = yield* Effect.result(readOutputs ?? Effect.succeed({}))
    if (Result.isFailure(outputs)) {
      const warning = `the outputs of the stack ${stack} could not be read: ${outputs.failure}`
      if (settingsMode === "optional") {
        return yield* settle(declared, { ...place, sources: { ...given, tags: about.tags }, warning, readOutputs })
      }
      return yield* new SettingsUnavailable({
        message: `${warning}. Check the stack's name, the permission cloudformation:DescribeStacks and the network, ` +
          "or start without: --settings=optional"
      })
    }
    const sources: Settings.Sources = { ...given, tags: about.tags, stack, outputs: outputs.success }
    return yield* settle(declared, { ...place, sources, readOutputs })
  })

const settle = (
  declared: DeclaredSettings.Declared,
  found: Omit<Discovered, "values" | "report">
): Effect.Effect<Discovered, Settings.SettingsError> =>
  Effect.gen(function*() {
    const values = Settings.resolve(found.sources)
    const theirs = yield* DeclaredSettings.check(declared, found.sources)
    const problems = [...(Result.isFailure(values) ? values.failure.problems : []), ...theirs.problems]
    if (Result.isFailure(values) || problems.length > 0) return yield* new Settings.SettingsError({ problems })
    return { ...found, values: values.success, report: Settings.report(found.sources, theirs.found) }
  })

interface Instance {
  readonly region: string | undefined
  readonly instance?: string | undefined
  readonly tags?: Readonly<Record<string, string>>
}

const askInstance = (platform: Platform, region: string | undefined): Effect.Effect<Instance, string> =>
  Effect.tryPromise({
    try: async () => {
      const metadata = await platform.metadata()
      const [found, tags] = await Promise.all([region ?? metadata.region(), metadata.tags()])
      return { region: found, tags }
    },
    catch: (cause) => `the instance's metadata could not be read: ${classify(cause).message}`
  })

// A task that says nothing of itself is known by its container, and ECS sets AWS_REGION.
const askTask = (platform: Platform, uri: string, region: string | undefined): Effect.Effect<Instance> =>
  Effect.tryPromise(() => platform.task(uri)).pipe(
    Effect.map((found) => ({ region: region ?? found.region, instance: found.task })),
    Effect.orElseSucceed(() => ({ region, instance: undefined }))
  )

const describe = (
  platform: Platform,
  stack: string,
  { region }: Instance,
  deadline: Duration.Duration
): Effect.Effect<Readonly<Record<string, string>>, string> => {
  let last: string | undefined
  const within = Effect.gen(function*() {
    for (let attempts = 1;; attempts++) {
      const outputs = yield* Effect.result(Effect.tryPromise({
        try: (signal) => platform.outputsOf(stack, { region }, signal),
        catch: classify
      }))
      if (Result.isSuccess(outputs)) return outputs.success
      const error: DeliveryError = outputs.failure
      last = error.message
      if (error.kind === "invalid") return yield* Effect.fail(error.message)
      const random = yield* Random.next
      yield* Effect.sleep(Duration.millis(Backoff.delay(error.kind, attempts, random)))
    }
  })
  return Effect.suspend(() =>
    Effect.timeoutOrElse(within, {
      duration: deadline,
      orElse: () =>
        Effect.fail(
          last === undefined
            ? `no answer within ${Duration.format(deadline)}`
            : `no other answer within ${Duration.format(deadline)} than: ${last}`
        )
    })
  )
}

const aws: Platform = {
  signs: Environment.thisProcess,
  metadata: async () => (await import("./InstanceMetadata.ts")).make(),
  task: async (uri) => (await import("./TaskMetadata.ts")).read(uri),
  outputsOf: async (stack, options, signal) => (await import("./CloudFormation.ts")).outputsOf(stack, options, signal)
}
