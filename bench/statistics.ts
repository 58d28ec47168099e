/** The value below which the given part of the values lies; nearest rank. */
export const quantile = (values: Iterable<number>, part: number): number => {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
}

/** The middle value: one disturbed round does not move it. */
export const median = (values: Iterable<number>): number => quantile(values, 0.5)

/** Round by round, what `values` are to `base`: what disturbs a whole round disturbs both. */
export const ratios = (values: ReadonlyArray<number>, base: ReadonlyArray<number>): Array<number> =>
  values.map((value, round) => value / (base[round] ?? Number.NaN))

/**
 * Between which values the median lies of what `values` are a sample of, with a probability of at least 95 %: by their
 * order alone, whatever their distribution.
 */
export const medianInterval = (values: Iterable<number>): readonly [from: number, to: number] => {
  const sorted = Float64Array.from(values).sort()
  const { length } = sorted
  const outside = Math.max(0, Math.floor(length / 2 - 0.98 * Math.sqrt(length)) - 1)
  return [sorted[outside] ?? Number.NaN, sorted[length - 1 - outside] ?? Number.NaN]
}

/** How much `y` grows with each 1 of `x`: the line of least squares. */
export const slope = (points: ReadonlyArray<readonly [x: number, y: number]>): number => {
  const mean = (index: 0 | 1) => points.reduce((sum, point) => sum + point[index], 0) / points.length
  const [x, y] = [mean(0), mean(1)]
  return points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0) /
    points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0)
}
