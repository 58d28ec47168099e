import * as FindMyWay from "effect/http/FindMyWay"

/**
 * The routes of a listener, found as Effect's router finds them.
 *
 * @category models
 * @since 1.1.0
 */
export interface RouteTable<A> {
  readonly on: (method: string, path: `/${string}`, route: A) => void
  readonly find: (method: string, url: string) => FindMyWay.FindResult<A> | undefined
}

/** Where only the last segment is a parameter: its name, and what comes before it. */
interface Trailing<A> {
  readonly prefix: string
  readonly name: string
  readonly handler: A
}

interface Shortcuts<A> {
  readonly exact: ReadonlyMap<string, FindMyWay.FindResult<A>>
  readonly trailing: ReadonlyArray<Trailing<A>>
}

type Routes<A> = ReadonlyMap<string, A>

/**
 * Makes an empty table: Effect's router, and before it shortcuts for what most requests ask, a path without parameters
 * or with one at its end, no query, nothing to decode. A `config` of its own has no shortcuts.
 *
 * **Details**
 *
 * The router reads such an address twice, hashes parts of it and makes two dictionaries.
 *
 * @category constructors
 * @since 1.1.0
 * @example
 * ```ts
 * const table = make<string>()
 * table.on("GET", "/greetings/:name", "greet")
 * table.find("GET", "/greetings/world")?.params // { name: "world" }
 * ```
 */
export const make = <A>(config: Partial<FindMyWay.RouterConfig> = {}): RouteTable<A> => {
  const router = FindMyWay.make<A>(config)
  const isUsual = Object.keys(config).length === 0
  const added = new Map<string, Map<string, A>>()
  const shortcuts = new Map<string, Shortcuts<A>>()

  const shortcutsOf = (method: string): Shortcuts<A> | undefined => {
    const routes = added.get(method)
    if (routes === undefined) return undefined
    const made = isUsual ? { exact: exactOf(routes), trailing: trailingOf(routes) } : noShortcuts
    shortcuts.set(method, made)
    return made
  }

  return {
    on: (method, path, route) => {
      router.on(method, path, route)
      added.set(method, (added.get(method) ?? new Map<string, A>()).set(path, route))
      shortcuts.delete(method)
    },
    find: (method, url) => {
      const found = shortcuts.get(method) ?? shortcutsOf(method)
      if (found === undefined) return undefined
      for (const { handler, name, prefix } of found.trailing) {
        if (url.startsWith(prefix) && isParameter(url, prefix.length)) {
          // A computed key in the literal would make it one by one, in C++.
          const params: Record<string, string> = {}
          params[name] = url.slice(prefix.length)
          return { handler, params, searchParams: none }
        }
      }
      const exact = found.exact.get(url)
      if (exact !== undefined) return exact
      const other = router.find(method, url)
      // Its own parameters are no plain object.
      return other === undefined ? undefined : { ...other, params: { ...other.params } }
    }
  }
}

const none = Object.freeze({})
const noShortcuts: Shortcuts<never> = { exact: new Map(), trailing: [] }
const longestParameter = 100

// What the router takes as it is: nothing to decode, no query, no further segment.
const isParameter = (url: string, from: number): boolean => {
  const { length } = url
  if (length === from || length - from > longestParameter) return false
  for (let index = from; index < length; index++) {
    const code = url.charCodeAt(index)
    // / % ? ; #
    if (code === 0x2f || code === 0x25 || code === 0x3f || code === 0x3b || code === 0x23) return false
  }
  return true
}

const exactPath = /^(?:\/|(?:\/[\w.~-]+)+)$/

const exactOf = <A>(routes: Routes<A>) =>
  new Map(
    [...routes].flatMap(([path, handler]): ReadonlyArray<readonly [string, FindMyWay.FindResult<A>]> =>
      exactPath.test(path) ? [[path, { handler, params: none, searchParams: none }]] : []
    )
  )

const trailingParameter = /^((?:\/[a-z0-9_~.-]+)*\/):(\w+)$/
// They are compared one after the other: with more, the router is faster.
const mostTrailing = 8

const trailingOf = <A>(routes: Routes<A>): ReadonlyArray<Trailing<A>> => {
  const paths = [...routes.keys()].map(asRead)
  const found = [...routes].flatMap(([path, handler]): ReadonlyArray<Trailing<A>> => {
    const [, prefix, name] = trailingParameter.exec(path) ?? []
    return prefix === undefined || name === undefined || name === "__proto__" ||
        paths.filter((other) => mayAnswer(other, prefix)).length > 1
      ? []
      : [{ prefix, name, handler }]
  })
  return found.length > mostTrailing ? [] : found
}

// Whether a route might answer to `prefix` and one segment more; of some that could not, it is not found out.
const mayAnswer = (path: string, prefix: string): boolean => {
  const special = path.search(/[^\w/~.-]/)
  if (special === -1) return path.startsWith(prefix) && segments(path) === segments(prefix)
  const plain = path.slice(0, special)
  return plain.startsWith(prefix) && (/[*(?]/.test(path) || segments(path) === segments(prefix))
}

// As the router reads one.
const asRead = (path: string): string => path.toLowerCase().replace(/\/+/g, "/").replace(/(.)\/$/, "$1")

const segments = (path: string) => path.split("/").length
