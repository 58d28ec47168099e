import { median, medianInterval } from "../statistics.ts"

/** One comparison: what was measured first and last, and what in between, of the same number of segments. */
export interface Block {
  readonly outer: readonly [number, number]
  readonly inner: number
}

// More, and the machine did something else meanwhile. What is compared has no part in the choice.
const mostApart = 0.05

/** What is inside of it, over what is around it; nothing if the latter is not the same at both ends. */
export const ratio = ({ inner, outer: [first, last] }: Block): number | undefined =>
  Math.abs(first - last) / Math.min(first, last) > mostApart ? undefined : inner * 2 / (first + last)

/** What heads the cells of {@link row}. */
export const header = ["median", "95 % from", "to", "blocks"]

/** The median of ratios, between which values it is to be sought, and of how many blocks it is. */
export const row = (ratios: ReadonlyArray<number | undefined>): ReadonlyArray<string> => {
  const found = ratios.filter((value) => value !== undefined)
  return [
    ...[median(found), ...medianInterval(found)].map((value) => value.toFixed(3)),
    `${found.length} of ${ratios.length}`
  ]
}
