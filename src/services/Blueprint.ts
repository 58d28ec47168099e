import type { DrainTiming } from "./DrainTiming.ts"
import type { MetricBound } from "./MetricBounds.ts"
import { definitions, earlyNames, type Values } from "./SettingDefinitions.ts"
import type { Value } from "./Stack.ts"
import type { Statement } from "./StackPolicy.ts"

/**
 * What all parts of the stack template are made from. Durations are in seconds.
 *
 * `settings` are those that the template gives to every process, by the names of their outputs.
 *
 * @category models
 * @since 1.1.0
 */
export interface Blueprint {
  readonly service: string
  readonly port: number
  readonly adminPort: number
  readonly logGroup: string
  readonly retentionDays: number | undefined
  readonly namespace: string
  readonly metricsInterval: number
  readonly timing: DrainTiming
  readonly bounds: ReadonlyArray<MetricBound>
  readonly settings: Readonly<Record<string, Setting>>
  readonly statements: ReadonlyArray<Statement>
}

/**
 * A setting that the stack gives its processes: by which variable, what it is for, its value, and whether the app said it.
 *
 * @category models
 * @since 1.1.0
 */
export interface Setting {
  readonly variable: string
  readonly description: string
  readonly value: Value
  readonly own: boolean
}

/**
 * The chassis' settings that a stack can hold.
 *
 * @category constants
 * @since 1.1.0
 */
export const settingNames = (Object.keys(definitions) as ReadonlyArray<keyof Values>).filter((name) =>
  !(earlyNames as ReadonlyArray<string>).includes(name)
)
