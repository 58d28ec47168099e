import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Named, Value } from "../services/Stack.ts"
import { type Declared, expectation, secret } from "./DeclaredSettings.ts"

/**
 * What is wrong between the settings that an app declares and the outputs of its stack: a setting with neither output nor
 * default, an output that is of no use, a secret.
 *
 * **Details**
 *
 * A setting is read with nothing but the outputs that are texts: it must then either be readable, or have asked for an
 * output whose value only CloudFormation knows.
 *
 * @category constructors
 * @since 1.1.0
 */
export const check = (declared: Declared, outputs: Named): Effect.Effect<ReadonlyArray<string>> =>
  Effect.map(
    Effect.forEach(Object.entries(declared), ([setting, config]) => checkOne(setting, config, outputs)),
    (problems) => problems.flat()
  )

const checkOne = (
  setting: string,
  config: Declared[string],
  outputs: Named
): Effect.Effect<ReadonlyArray<string>> =>
  Effect.gen(function*() {
    const asked: Array<string> = []
    const read = (textOf: (name: string) => string | undefined) =>
      Effect.result(Effect.provideService(
        config,
        ConfigProvider.ConfigProvider,
        ConfigProvider.make((path) =>
          Effect.sync(() => {
            const name = path.join(".")
            asked.push(name)
            const text = Object.hasOwn(outputs, name) ? textOf(name) : undefined
            return text === undefined ? undefined : ConfigProvider.makeValue(text)
          })
        )
      ))
    const value = yield* read((name) => literal(outputs[name]))
    const given = asked.filter((name) => Object.hasOwn(outputs, name))
    if (Result.isFailure(value)) {
      const name = asked.at(-1) ?? setting
      const output = outputs[name]
      if (output === undefined) {
        return [
          `setting ${setting} has no default, and the stack no output ${name}: ` +
          `give it one (stack: { outputs: { ${name}: … } }), or a default`
        ]
      }
      if (literal(output) !== undefined) {
        return [`output ${name} is ${JSON.stringify(literal(output))}, expected ${expectation(value.failure.message)}`]
      }
    }
    const shown = yield* read((name) => literal(outputs[name]) ?? "value")
    return given.length > 0 && Result.isSuccess(shown) && secret(shown.success)
      ? [
        `setting ${setting} is a secret, and everybody who may describe the stack can read output ${given[0]}: ` +
        "let the setting be the secret's name, and read the secret with it"
      ]
      : []
  })

const literal = (output: Value | undefined): string | undefined => {
  const value = typeof output === "object" && "Value" in output ? output.Value : output
  return value === undefined || typeof value === "object" ? undefined : String(value)
}
