import type * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { constantCase as toConstantCase } from "effect/String"
import type { Found, Problem, Sources } from "../services/Settings.ts"

/**
 * The settings that an app itself has, by the names that reports call them.
 *
 * @category models
 * @since 1.1.0
 */
export type Declared = Readonly<Record<string, Config.Config<unknown>>>

interface Source {
  readonly label: (path: ConfigProvider.Path) => string
  readonly provider: ConfigProvider.ConfigProvider
}

const sourcesOf = ({ env, outputs, stack, tags }: Sources): ReadonlyArray<Source> => {
  const environment = ConfigProvider.fromEnvRecord(env)
  const variable = (name: string) => `environment variable ${name}`
  return [
    { label: (path) => variable(path.join("_")), provider: environment },
    { label: (path) => variable(constantCase(path)), provider: ConfigProvider.constantCase(environment) },
    ...(tags === undefined
      ? []
      : [{ label: (path: ConfigProvider.Path) => `instance tag ${path.join(".")}`, provider: from(tags) }]),
    ...(outputs === undefined ? [] : [{
      label: (path: ConfigProvider.Path) => `output ${path.join(".")} of stack ${stack}`,
      provider: from(outputs)
    }])
  ]
}

const from = (values: Readonly<Record<string, string>>) => ConfigProvider.fromUnknown(values)

/**
 * Where an app's own `Config` is read: environment variables, as written or in constant case, then tags, then outputs.
 *
 * @category constructors
 * @since 1.1.0
 */
export const configProvider = (sources: Sources): ConfigProvider.ConfigProvider => reading(sourcesOf(sources))

// A variable `STOCK_URL` makes `STOCK` a record without a value: what has one is sought on.
const reading = (
  sources: ReadonlyArray<Source>,
  see: {
    readonly asked?: (source: string) => void
    readonly hit?: (source: string, text: string | undefined) => void
  } = {}
): ConfigProvider.ConfigProvider =>
  ConfigProvider.make((path) =>
    Effect.gen(function*() {
      let branch: readonly [source: string, node: ConfigProvider.Node] | undefined
      for (const { label, provider } of sources) {
        const source = label(path)
        see.asked?.(source)
        const node = yield* provider.load(path)
        if (node === undefined || node.value === "") continue
        if (node.value === undefined) {
          branch ??= [source, node]
          continue
        }
        see.hit?.(source, node._tag === "Value" ? node.value : undefined)
        return node
      }
      if (branch !== undefined) see.hit?.(branch[0], undefined)
      return branch?.[1]
    })
  )

/**
 * Reads every declared setting once: which source had it, and what is missing or of no use.
 *
 * A value that is `Redacted`, or has one in it, or a password in a URL, is reported as `<redacted>`; what is of no use
 * is not shown at all, since it may be a secret.
 *
 * @category constructors
 * @since 1.1.0
 */
export const check = (
  declared: Declared,
  sources: Sources
): Effect.Effect<
  { readonly found: ReadonlyArray<Found>; readonly problems: ReadonlyArray<typeof Problem.Type> }
> =>
  Effect.gen(function*() {
    const found: Array<Found> = []
    const problems: Array<typeof Problem.Type> = []
    const asked = sourcesOf(sources)
    for (const [setting, config] of Object.entries(declared)) {
      const tried = new Set<string>()
      const hits = new Map<string, string | undefined>()
      const provider = reading(asked, {
        asked: (source) => tried.add(source),
        hit: (source, text) => hits.set(source, text)
      })
      const value = yield* Effect.result(
        Effect.provideService(config, ConfigProvider.ConfigProvider, provider)
      )
      const sourceOf = [...hits.keys()].join(", ")
      if (Result.isFailure(value)) {
        problems.push({
          setting,
          ...(hits.size === 0 ? {} : { source: sourceOf }),
          expected: expectation(value.failure.message),
          tried: [...tried]
        })
      } else {
        const [text = shown(value.success)] = hits.size === 1 ? hits.values() : []
        found.push({
          setting,
          value: secret(value.success) ? "<redacted>" : withoutPassword(text),
          source: sourceOf || "default"
        })
      }
    }
    return { found, problems }
  })

/**
 * What a message of `Config` says was expected.
 *
 * @category rendering
 * @since 1.1.0
 */
export const expectation = (message: string): string =>
  message
    .replace(/^SchemaError\((.*)\)$/s, "$1")
    .replace(/^Expected /, "")
    .replace(/\s+at \[.*\]/, "")
    .replaceAll(/\s+/g, " ")

/**
 * Whether a value is `Redacted`, or has one in it: a Redacted says so wherever it is written.
 *
 * @category predicates
 * @since 1.1.0
 */
export const secret = (value: unknown): boolean => shown(value).includes("<redacted")

const shown = (value: unknown): string => {
  if (typeof value === "string") return value
  if (value instanceof URL) return value.href
  if (Duration.isDuration(value)) return Duration.format(value)
  let opaque = false
  try {
    const text = JSON.stringify(value, (_, part: unknown) => {
      opaque ||= hides(part)
      return typeof part === "bigint" ? String(part) : part
    })
    return opaque ? "<redacted>" : text ?? String(value)
  } catch {
    return "<redacted>"
  }
}

// What JSON does not show may hold a secret.
const hides = (part: unknown): boolean =>
  typeof part === "function" || typeof part === "symbol" ||
  (typeof part === "object" && part !== null && !Array.isArray(part) && Object.keys(part).length === 0 &&
    Object.getPrototypeOf(part) !== Object.prototype && Object.getPrototypeOf(part) !== null)

const withoutPassword = (text: string): string => {
  const said = text.replace(/(:\/\/[^/?#@:\s,]*:)[^/?#\s,]*@/g, "$1<redacted>@")
  return /:\/\/[^/?#@]*:(?!<redacted>@)[^/?#]*@/.test(said) ? "<redacted>" : said
}

const constantCase = (path: ConfigProvider.Path): string => path.map((part) => toConstantCase(String(part))).join("_")
