import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { settingNames } from "../services/Blueprint.ts"
import type { MetricBound } from "../services/MetricBounds.ts"
import { definitions } from "../services/SettingDefinitions.ts"
import { render, StackError } from "../services/Stack.ts"
import type { Extension } from "../services/StackTemplate.ts"
import type { Declared } from "./DeclaredSettings.ts"
import { type Output, write } from "./OperationCaller.ts"

/**
 * The command `template`: prints the CloudFormation stack of the service, the same bytes each time.
 *
 * `settingFlags` are those of all settings, by flag; what they say becomes an output.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = (
  service: {
    readonly name: string
    readonly description?: string | undefined
    readonly settings?: Declared | undefined
    readonly bounds?: ReadonlyArray<MetricBound> | undefined
    readonly stack?: Extension | undefined
  },
  settingFlags: Readonly<Record<string, Flag.Flag<Option.Option<string>>>>,
  output: Output
) =>
  Command.make("template", {
    target: Flag.Literals("target", ["ec2", "ecs"]).pipe(
      Flag.withDescription("where the service shall run"),
      Flag.withDefault("ec2")
    ),
    settings: Object.fromEntries(
      settingNames.flatMap((name) => {
        const { flag } = definitions[name]
        return settingFlags[flag] === undefined ? [] : [[flag, settingFlags[flag]]]
      })
    )
  }, ({ settings, target }) =>
    Effect.gen(function*() {
      const { bounds, description, name, settings: declared = {}, stack: extension = {} } = service
      const [StackTemplate, StackSettings] = yield* Effect.promise(() =>
        Promise.all([import("../services/StackTemplate.ts"), import("./StackSettings.ts")])
      )
      const problems = yield* StackSettings.check(declared, extension.outputs ?? {})
      const template = yield* Effect.fromResult(StackTemplate.make({
        service: name,
        target,
        description,
        bounds,
        extension,
        declared: Object.keys(declared),
        flags: Object.fromEntries(
          Object.entries(settings).flatMap(([flag, text]) => Option.isSome(text) ? [[flag, text.value]] : [])
        )
      })).pipe(
        Effect.catchTag(
          "StackError",
          (error) => Effect.fail(new StackError({ problems: [...problems, ...error.problems] }))
        )
      )
      if (problems.length > 0) return yield* new StackError({ problems })
      yield* Effect.promise(() => write(output.stdout, render(template)))
    })).pipe(Command.withDescription("print the CloudFormation stack of this service"))
