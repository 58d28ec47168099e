import * as Flag from "effect/cli/Flag"
import * as Option from "effect/Option"
import { definitions, names, type Setting } from "../services/SettingDefinitions.ts"

/**
 * The flag of one of the chassis' own settings, optional.
 *
 * @category constructors
 * @since 1.1.0
 */
export const settingFlag = (name: keyof typeof definitions) => {
  const definition: Setting<unknown> = definitions[name]
  const { description, env, fallback, fallbackOnAws, flag } = definition
  const otherwise = fallbackOnAws === undefined ? fallback : `${fallback}, on AWS ${fallbackOnAws}`
  return Flag.String(flag).pipe(
    Flag.withDescription(`${description} (${env}, default ${otherwise})`),
    Flag.withMetavar("value"),
    Flag.optional
  )
}

/**
 * The flags of all of them.
 *
 * @category constants
 * @since 1.1.0
 */
export const settingFlags = Object.fromEntries(
  names.map((name) => [definitions[name].flag, settingFlag(name)])
)

/**
 * The texts of {@link settingFlags} that were given.
 *
 * @category conversions
 * @since 1.1.0
 */
export const optionalTexts = (flags: Readonly<Record<string, unknown>>): Record<string, string | undefined> =>
  Object.fromEntries(
    Object.entries(flags).map(([name, value]) => [
      name,
      Option.isOption(value) ? Option.getOrUndefined(value) as string | undefined : undefined
    ])
  )
