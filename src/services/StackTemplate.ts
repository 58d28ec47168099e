import * as Duration from "effect/Duration"
import * as Result from "effect/Result"
import { constantCase } from "effect/String"
import { type Blueprint, type Setting, settingNames } from "./Blueprint.ts"
import * as DrainTiming from "./DrainTiming.ts"
import * as MetricBounds from "./MetricBounds.ts"
import { definitions, type Values } from "./SettingDefinitions.ts"
import { outputName, read, type SettingsError } from "./Settings.ts"
import { servicePlaceholder } from "./SettingText.ts"
import { choose, merge, type Named, type Part, ref, StackError, type Value } from "./Stack.ts"
import * as StackBalancer from "./StackBalancer.ts"
import * as StackDashboard from "./StackDashboard.ts"
import * as StackPolicy from "./StackPolicy.ts"
import * as StackTelemetry from "./StackTelemetry.ts"
import * as StackTemplateEc2 from "./StackTemplateEc2.ts"
import * as StackTemplateEcs from "./StackTemplateEcs.ts"
import { nameProblems } from "./Unit.ts"
import * as UserData from "./UserData.ts"

/**
 * What an app's stack has beside what every service's has.
 *
 * **Details**
 *
 * An output is its value, or the whole output where it has a `Value`. One that is called like a setting is that setting:
 * the service finds it when it starts. A statement about every resource says why it must be (`because`).
 *
 * @category models
 * @since 1.1.0
 * @example
 * ```ts
 * const stack: Extension = {
 *   resources: { Queue: { Type: "AWS::SQS::Queue" } },
 *   outputs: { QueueUrl: { Ref: "Queue" } },
 *   statements: [{ Effect: "Allow", Action: "sqs:SendMessage", Resource: { "Fn::GetAtt": ["Queue", "Arn"] } }]
 * }
 * ```
 */
export interface Extension extends Part {
  readonly statements?: ReadonlyArray<StackPolicy.Statement> | undefined
}

/**
 * Where the service shall run.
 *
 * @category models
 * @since 1.1.0
 */
export type Target = "ec2" | "ecs"

/**
 * What a stack template is made from: the service, the settings that are not to have their default (by flag), the names
 * of the app's own settings, and what the app adds.
 *
 * @category models
 * @since 1.1.0
 */
export interface Options {
  readonly service: string
  readonly target: Target
  readonly description?: string | undefined
  readonly flags?: Readonly<Record<string, string | undefined>> | undefined
  readonly declared?: ReadonlyArray<string> | undefined
  readonly bounds?: ReadonlyArray<MetricBounds.MetricBound> | undefined
  readonly extension?: Extension | undefined
}

/**
 * Makes the CloudFormation template of a service. Fails with all that stands in the way.
 *
 * **Details**
 *
 * Each of the settings that the stack decides is an output, and is given to every process when it starts, on EC2 as tag
 * of its instance, on ECS as environment variable: the outputs of a stack are only there once it is complete.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = (options: Options): Result.Result<Named, StackError | SettingsError> =>
  Result.flatMap(blueprintOf(options), (blueprint) => {
    const { extension = {}, target } = options
    const { bounds, service } = blueprint
    const policy = StackPolicy.make([
      ...StackPolicy.own({ service, namespace: blueprint.namespace }),
      ...blueprint.statements
    ])
    const { conflicts, whole } = merge([
      { parameters: artefactParameters(service), outputs: settingOutputs(blueprint.settings) },
      StackTelemetry.make(blueprint),
      StackDashboard.make(blueprint),
      StackBalancer.make(blueprint, target === "ec2" ? "instance" : "ip"),
      target === "ec2"
        ? StackTemplateEc2.make(blueprint, policy.document)
        : StackTemplateEcs.make(blueprint, policy.document),
      { ...extension, outputs: ownOutputs(extension) }
    ])
    const { description = service } = options
    const problems = [
      ...policy.problems,
      ...conflicts,
      ...badNames(extension),
      ...sameAlarms(bounds),
      ...unquotable(blueprint.namespace),
      ...tooLong(description)
    ]
    if (problems.length > 0) return Result.fail(new StackError({ problems }))
    return Result.succeed({
      AWSTemplateFormatVersion: "2010-09-09",
      Description: description,
      Metadata: { Keelson: { Service: service, Target: target, UnscopedPermissions: policy.unscoped } },
      Parameters: whole.parameters,
      Conditions: whole.conditions,
      Resources: whole.resources,
      Outputs: whole.outputs
    })
  })

const blueprintOf = (
  { bounds = [], declared = [], extension = {}, flags: given = {}, service, target }: Options
): Result.Result<Blueprint, StackError | SettingsError> => {
  const flags = texts(Object.entries(given))
  const outputs = texts(
    settingNames.filter((name) => flags[definitions[name].flag] === undefined).map((name) => {
      const output = outputName(name)
      return [output, extension.outputs?.[output]]
    })
  )
  const said = (name: keyof Values) => flags[definitions[name].flag] ?? outputs[outputName(name)]
  return Result.flatMap(
    read(settingNames, { flags, outputs, stack: service, env: {}, kind: target }),
    (values): Result.Result<Blueprint, StackError> => {
      const timing = DrainTiming.make({
        lameduck: said("lameduck") === undefined ? undefined : Duration.toSeconds(values.lameduck),
        shutdownDeadline: Duration.toSeconds(values.shutdownDeadline),
        flushDeadline: Duration.toSeconds(values.flushDeadline)
      }, target)
      const problems = [
        ...(/^[A-Za-z0-9][\w.-]{0,63}$/.test(service)
          ? []
          : [`the service's name ${JSON.stringify(service)} is part of paths and keys: take letters, digits, _ . -`]),
        ...(target === "ec2" ? nameProblems({ name: service }, "the service's name") : []),
        ...(values.port === 0 || values.adminPort === 0 || values.port === values.adminPort
          ? ["port and admin-port must be two ports that others know, neither of them 0"]
          : []),
        ...(values.metricsInstance
          ? ["metrics-instance on gives every series an instance, which no alarm can know beforehand"]
          : []),
        ...(Result.isFailure(timing) ? timing.failure : [])
      ]
      if (problems.length > 0 || Result.isFailure(timing)) return Result.fail(new StackError({ problems }))
      const named = (text: string) => text.replaceAll(servicePlaceholder, service)
      const decided: Readonly<Partial<Record<keyof Values, Value>>> = {
        logGroup: ref("LogGroup"),
        metricsNamespace: named(values.metricsNamespace),
        port: String(values.port),
        adminPort: String(values.adminPort),
        adminHost: said("adminHost") ?? choose("AdminOpen", "0.0.0.0", definitions.adminHost.fallback),
        lameduck: `${timing.success.lameduck}s`,
        shutdownDeadline: said("shutdownDeadline") ?? definitions.shutdownDeadline.fallback,
        flushDeadline: said("flushDeadline") ?? definitions.flushDeadline.fallback
      }
      const chassis = settingNames.flatMap((name): ReadonlyArray<readonly [string, Setting]> => {
        const { description, env, flag } = definitions[name]
        const value = decided[name] ?? flags[flag]
        return value === undefined || outputs[outputName(name)] !== undefined
          ? []
          : [[outputName(name), { variable: env, description, value, own: false }]]
      })
      const chassisNames = new Map(settingNames.map((name) => [outputName(name), definitions[name].env]))
      const own = Object.entries(extension.outputs ?? {}).flatMap(([name, output]) => {
        const variable = declared.includes(name) ? constantCase(name) : chassisNames.get(name)
        return variable === undefined
          ? []
          : [[name, { variable, description: `setting of ${service}`, value: text(output), own: true }] as const]
      })
      return Result.succeed({
        service,
        port: values.port,
        adminPort: values.adminPort,
        logGroup: named(values.logGroup),
        retentionDays: values.logRetention,
        namespace: named(values.metricsNamespace),
        metricsInterval: Duration.toSeconds(values.metricsInterval),
        timing: timing.success,
        bounds: [...MetricBounds.common, ...bounds],
        settings: Object.fromEntries([...own, ...chassis]),
        statements: extension.statements ?? []
      })
    }
  )
}

// What is said in so many words, and is not blank.
const texts = (
  given: ReadonlyArray<readonly [name: string, value: Value | undefined]>
): Readonly<Record<string, string>> =>
  Object.fromEntries(given.flatMap(([name, value = ""]) => {
    const said = text(value)
    return typeof said === "string" && said.trim() !== "" ? [[name, said.trim()]] : []
  }))

const artefactParameters = (service: string): Named => ({
  ArtefactBucket: {
    Type: "String",
    AllowedPattern: UserData.patterns.bucket,
    Description: "Bucket of the service's one file"
  },
  ArtefactKey: {
    Type: "String",
    AllowedPattern: `^${service.replaceAll(".", "\\.")}/[A-Za-z0-9!_.*()/+-]{1,900}$`,
    Description:
      `Its key there, such as ${service}/1.1.ab41cd/main.js: all that the role may read begins with ${service}/`
  },
  ArtefactSha256: {
    Type: "String",
    AllowedPattern: UserData.patterns.sha256,
    Description: "Its SHA-256; a file with another one is never run"
  }
})

const settingOutputs = (settings: Blueprint["settings"]): Named =>
  Object.fromEntries(
    Object.entries(settings)
      .filter(([, { own }]) => !own)
      .map(([name, { description, value }]) => [name, { Description: description, Value: value }])
  )

const ownOutputs = ({ outputs = {} }: Extension): Named =>
  Object.fromEntries(
    Object.entries(outputs).map(([name, output]) => [name, isWhole(output) ? output : { Value: text(output) }])
  )

const isWhole = (output: Value): output is { readonly Value: Value } =>
  typeof output === "object" && Object.hasOwn(output, "Value")

const text = (output: Value): Value => {
  const value = isWhole(output) ? output.Value : output
  return typeof value === "object" ? value : String(value)
}

const badNames = (extension: Extension): ReadonlyArray<string> =>
  [extension.parameters, extension.conditions, extension.resources, extension.outputs]
    .flatMap((section = {}) => Object.keys(section))
    .filter((name) => !/^[A-Za-z0-9]{1,255}$/.test(name))
    .map((name) => `${name} cannot be a name in a template: take letters and digits alone`)

// Alarms and policies take what CloudWatch takes; the search of a dashboard stands in quotes itself.
const unquotable = (namespace: string): ReadonlyArray<string> =>
  /^[\w ./#:-]*$/.test(namespace)
    ? []
    : [
      `metrics-namespace ${JSON.stringify(namespace)} cannot be searched for: take letters, digits, space, . - _ / # :`
    ]

// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
const longest = 1024

const tooLong = (description: string): ReadonlyArray<string> => {
  const bytes = new TextEncoder().encode(description).length
  return bytes <= longest
    ? []
    : [`the service's description has ${bytes} bytes, a template's at most ${longest}: shorten it`]
}

const sameAlarms = (bounds: ReadonlyArray<MetricBounds.MetricBound>): ReadonlyArray<string> => {
  const names = bounds.map(StackTelemetry.alarmName)
  return names.filter((name, index) => names.indexOf(name) !== index)
    .map((name) => `two bounds make the alarm ${name}: one series has one bound of a kind`)
}
