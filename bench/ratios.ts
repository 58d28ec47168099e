/** What is stored of a measurement: keelson's ratios, by what they are of. */
export type Ratios = Readonly<Record<string, number>>

/** One stored ratio beside the one measured now. */
export interface Comparison {
  readonly figure: string
  readonly stored: number
  readonly measured: number
  /** The greatest ratio that is no regression. */
  readonly bound: number
  readonly worse: boolean
}

/**
 * How much greater than stored a ratio may be. Wide: medians of the same file differ by a twentieth from run to run on a
 * machine with neighbours, those of starts by an eighth, those of the slowest hundredth by a third.
 */
const bands: ReadonlyArray<readonly [part: string, band: number]> = [
  ["p99", 0.5],
  ["node -e 0", 0.25],
  ["RSS", 0.1],
  ["", 0.15]
]

/** Compares what was both stored and measured, in the order of the measurement. */
export const compare = (stored: Ratios, measured: Ratios): ReadonlyArray<Comparison> =>
  Object.entries(measured).flatMap(([figure, ratio]) => {
    const before = stored[figure]
    if (before === undefined) return []
    const [, band = 0] = bands.find(([part]) => figure.includes(part)) ?? []
    const bound = before * (1 + band)
    return [{ figure, stored: before, measured: ratio, bound, worse: !(ratio <= bound) }]
  })

/** Says of each regression by how much it is one. */
export const complaints = (comparisons: ReadonlyArray<Comparison>): ReadonlyArray<string> =>
  comparisons.filter(({ worse }) => worse).map(({ bound, figure, measured, stored }) =>
    `${figure} is ${measured.toFixed(2)}, ${percent(measured / stored - 1)} more than the stored ${stored.toFixed(2)}` +
    ` and beyond ${bound.toFixed(2)}, which noise may explain`
  )

const percent = (part: number) => `${(part * 100).toFixed(0)} %`
