import { readFileSync } from "node:fs"

const mostReserved = 200

/**
 * How many connections a service may have so that descriptors are left for what tells of it: the admin listener and the
 * way to CloudWatch. The process's limit less 200 of it, or a quarter; `undefined` where there is no `/proc`.
 *
 * @category getters
 * @since 1.1.0
 */
export const forConnections = (): number | undefined => {
  try {
    const limit = Number(/^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1])
    return Number.isNaN(limit) ? undefined : limit - Math.min(mostReserved, Math.ceil(limit / 4))
  } catch {
    return undefined
  }
}
