import type { Fifo } from "./Fifo.ts"
import type { Account } from "./Ledger.ts"
import * as Spool from "./Spool.ts"

/**
 * What is kept. `bytes` is its share of a batch and of the bound, `timestamp` milliseconds since the epoch; where there is
 * no room, items of the lowest `priority` (from 0) are dropped first, oldest first.
 *
 * @category models
 * @since 1.1.0
 */
export interface Item {
  readonly bytes: number
  readonly timestamp: number
  readonly priority: number
  /** The backlog's own: where the item is among all that were admitted, from 1. */
  order?: number
}

/**
 * Items that were dropped for want of room: how many, and the first and last of their timestamps.
 *
 * @category models
 * @since 1.1.0
 */
export interface Gap {
  readonly count: number
  readonly from: number
  readonly to: number
}

/**
 * What one batch may carry; `span` bounds the time between its first and last item, in milliseconds.
 *
 * @category models
 * @since 1.1.0
 */
export interface Limits {
  readonly bytes: number
  readonly items: number
  readonly span?: number | undefined
}

/**
 * What waits to be delivered and what is on its way, as the account tells at every instant.
 *
 * @category models
 * @since 1.1.0
 */
export interface Backlog<I extends Item> {
  /** Keeps an item, at the cost of less important ones; `false` where it is dropped itself. */
  readonly admit: (item: I) => boolean
  /** Takes the oldest items as one batch, which is on its way from then on; `from` is the order of its first. */
  readonly cut: () => { readonly items: ReadonlyArray<I>; readonly from: number }
  /** Lets go of items that were on their way: delivered or given up. */
  readonly leave: (items: ReadonlyArray<I>) => void
  /** Whether what waits fills a batch. */
  readonly isFull: () => boolean
  /** The order of the oldest item that waits; `Infinity` if none does. */
  readonly oldest: () => number
  /** The order of the item admitted last. */
  readonly newest: () => number
  /** What was dropped for want of room since it was last taken. */
  readonly takeGap: () => Gap | undefined
  /** Gives back a gap that could not be told of. */
  readonly widen: (gap: Gap) => void
}

const priorities = 4

/**
 * Makes a backlog of at most `maxBytes`, those on their way included. While `packing` holds, what waits is kept in few
 * bytes by `pack`.
 *
 * @category constructors
 * @since 1.1.0
 * @example
 * ```ts
 * const backlog = make({ account, limits: { bytes: 1024, items: 10 }, maxBytes: 4096, packing: () => false })
 * backlog.admit({ bytes: 26, timestamp: 0, priority: 1 })
 * backlog.cut() // { items: [{ bytes: 26, timestamp: 0, priority: 1, order: 1 }], from: 1 }
 * ```
 */
export const make = <I extends Item>({ account, limits, maxBytes, pack, packing }: {
  readonly account: Account
  readonly limits: Limits
  readonly maxBytes: number
  readonly pack?: Spool.Pack<I> | undefined
  readonly packing: () => boolean
}): Backlog<I> => {
  const queues = Array.from({ length: priorities }, () => Spool.make(pack, packing))
  let newest = 0
  let queuedBytes = 0
  let gap: Gap | undefined

  const widen = ({ count, from, to }: Gap) => {
    gap = gap === undefined ? { count, from, to } : {
      count: gap.count + count,
      from: Math.min(gap.from, from),
      to: Math.max(gap.to, to)
    }
  }

  const overflow = ({ timestamp }: I) => {
    account.dropped.overflow++
    widen({ count: 1, from: timestamp, to: timestamp })
  }

  const take = (queue: Fifo<I>): I | undefined => {
    const item = queue.shift()
    if (item === undefined) return undefined
    account.buffered--
    queuedBytes -= item.bytes
    return item
  }

  const hasRoom = ({ bytes }: I) => account.bufferedBytes + bytes <= maxBytes

  const makeRoom = (item: I): boolean => {
    if (item.bytes > maxBytes) return false
    for (const queue of queues.slice(0, item.priority + 1)) {
      while (!hasRoom(item)) {
        const evicted = take(queue)
        if (evicted === undefined) break
        account.bufferedBytes -= evicted.bytes
        overflow(evicted)
      }
    }
    return hasRoom(item)
  }

  const oldest = (): Fifo<I> | undefined => {
    let found: Fifo<I> | undefined
    let least = Infinity
    for (const queue of queues) {
      const order = queue.peek()?.order ?? Infinity
      if (order >= least) continue
      least = order
      found = queue
    }
    return found
  }

  const nextOf = (current: Fifo<I> | undefined) => {
    let least = Infinity
    for (const queue of queues) if (queue !== current) least = Math.min(least, queue.peek()?.order ?? Infinity)
    return least
  }

  return {
    admit: (item) => {
      account.offered++
      if (!hasRoom(item) && !makeRoom(item)) {
        overflow(item)
        return false
      }
      item.order = ++newest
      queues[item.priority]?.push(item)
      account.buffered++
      account.bufferedBytes += item.bytes
      queuedBytes += item.bytes
      return true
    },
    cut: () => {
      const items: Array<I> = []
      // Runs of one priority are the rule: look at the other queues only where a run ends.
      let queue = oldest()
      let runEnds = nextOf(queue)
      const from = queue?.peek()?.order ?? Infinity
      let bytes = 0
      let first = Infinity
      let last = -Infinity
      while (items.length < limits.items) {
        let item = queue?.peek()
        if ((item?.order ?? Infinity) > runEnds) {
          queue = oldest()
          runEnds = nextOf(queue)
          item = queue?.peek()
        }
        if (queue === undefined || item === undefined) break
        bytes += item.bytes
        first = Math.min(first, item.timestamp)
        last = Math.max(last, item.timestamp)
        if (items.length > 0 && (bytes > limits.bytes || last - first >= (limits.span ?? Infinity))) break
        take(queue)
        items.push(item)
      }
      account.inFlight += items.length
      return { items, from }
    },
    leave: (items) => {
      account.inFlight -= items.length
      for (const { bytes } of items) account.bufferedBytes -= bytes
    },
    isFull: () => queuedBytes >= limits.bytes || account.buffered >= limits.items,
    oldest: () => oldest()?.peek()?.order ?? Infinity,
    newest: () => newest,
    takeGap: () => {
      const taken = gap
      gap = undefined
      return taken
    },
    widen
  }
}
