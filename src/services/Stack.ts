import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import { configError } from "./ExitCode.ts"

/**
 * A value of a template: JSON, intrinsic functions (`{ Ref: "Queue" }`) included.
 *
 * @category models
 * @since 1.1.0
 */
export type Value = string | number | boolean | ReadonlyArray<Value> | { readonly [name: string]: Value }

/**
 * Named things of one section of a template.
 *
 * @category models
 * @since 1.1.0
 */
export type Named = Readonly<Record<string, Value>>

/**
 * A part of a CloudFormation template; {@link merge} puts parts together.
 *
 * @category models
 * @since 1.1.0
 */
export interface Part {
  readonly parameters?: Named | undefined
  readonly conditions?: Named | undefined
  readonly resources?: Named | undefined
  readonly outputs?: Named | undefined
}

/**
 * Why there is no template: every reason, each with what to do. The command exits 78 (`EX_CONFIG` of sysexits.h).
 *
 * @category errors
 * @since 1.1.0
 */
export class StackError extends Schema.TaggedError<StackError>()("StackError", {
  problems: Schema.Array(Schema.String)
}) {
  override readonly [Runtime.errorExitCode]: number = configError
  override get message(): string {
    return this.problems.join("\n")
  }
}

/**
 * The value of a parameter, or the name of a resource.
 *
 * @category intrinsics
 * @since 1.1.0
 */
export const ref = (name: string): Value => ({ Ref: name })

/**
 * An attribute of a resource.
 *
 * @category intrinsics
 * @since 1.1.0
 */
export const attribute = (resource: string, name: string): Value => ({ "Fn::GetAtt": [resource, name] })

/**
 * A text with `${names}` of parameters, resources and attributes in it.
 *
 * @category intrinsics
 * @since 1.1.0
 */
export const sub = (text: string): Value => ({ "Fn::Sub": text })

/**
 * One of two values, by a condition.
 *
 * @category intrinsics
 * @since 1.1.0
 */
export const choose = (condition: string, yes: Value, no: Value): Value => ({ "Fn::If": [condition, yes, no] })

/**
 * Stands for a property that is not there.
 *
 * @category intrinsics
 * @since 1.1.0
 */
export const nothing: Value = ref("AWS::NoValue")

/**
 * A condition that holds where a parameter is not empty.
 *
 * @category intrinsics
 * @since 1.1.0
 */
export const given = (parameter: string): Value => ({ "Fn::Not": [{ "Fn::Equals": [ref(parameter), ""] }] })

const sections = ["parameters", "conditions", "resources", "outputs"] as const

/**
 * Puts parts together, and says what two of them both have; parameters and resources share their names.
 *
 * @category combinators
 * @since 1.1.0
 */
export const merge = (
  parts: ReadonlyArray<Part>
): { readonly whole: { readonly [K in keyof Part]-?: Named }; readonly conflicts: ReadonlyArray<string> } => {
  const whole = { parameters: {}, conditions: {}, resources: {}, outputs: {} } as Record<
    keyof Part,
    Record<string, Value>
  >
  const conflicts: Array<string> = []
  for (const part of parts) {
    for (const section of sections) {
      for (const [name, value] of Object.entries(part[section] ?? {})) {
        if (Object.hasOwn(whole[section], name)) {
          conflicts.push(`${section.slice(0, -1)} ${name} is there twice; call yours differently`)
        }
        whole[section][name] = value
      }
    }
  }
  for (const name of Object.keys(whole.resources)) {
    if (Object.hasOwn(whole.parameters, name)) {
      conflicts.push(`${name} is a parameter and a resource; call yours differently`)
    }
  }
  return { whole, conflicts }
}

/**
 * Writes JSON, the same bytes for the same value: keys in alphabetical order but those of the top level, two spaces, a
 * newline at the end.
 *
 * @category rendering
 * @since 1.1.0
 */
export const render = (template: Named): string =>
  `${
    JSON.stringify(
      Object.fromEntries(Object.entries(template).map(([section, value]) => [section, sorted(value)])),
      null,
      2
    )
  }\n`

const sorted = (value: Value): Value => {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== "object") return value
  return Object.fromEntries(
    Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1).map(([name, inner]) => [name, sorted(inner)])
  )
}
