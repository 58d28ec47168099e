/**
 * A duration in its two greatest units: `3 d 4 h`, `2 min 5 s`, `12 s`.
 *
 * @category rendering
 * @since 1.1.0
 * @example
 * ```ts
 * seconds(90_123) // 1 d 1 h
 * ```
 */
export const seconds = (value: number): string => {
  const whole = Math.max(0, Math.floor(value))
  const parts: ReadonlyArray<readonly [number, string]> = [
    [Math.floor(whole / 86_400), "d"],
    [Math.floor(whole / 3600) % 24, "h"],
    [Math.floor(whole / 60) % 60, "min"],
    [whole % 60, "s"]
  ]
  const first = parts.findIndex(([count]) => count > 0)
  return parts.slice(first === -1 ? 3 : first).slice(0, 2).filter(([count], index) => count > 0 || index === 0)
    .map(([count, unit]) => `${count} ${unit}`).join(" ")
}

const scaled = (value: number, base: number, units: ReadonlyArray<string>): string => {
  let index = 0
  let rest = value
  while (Math.abs(rest) >= base && index < units.length - 1) {
    rest /= base
    index++
  }
  const unit = units[index] ?? ""
  return `${digits(rest)}${unit === "" ? "" : ` ${unit}`}`
}

const digits = (value: number): string =>
  Math.abs(value) >= 1e6
    ? value.toExponential(2)
    : String(Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3)))

/**
 * A number in three significant digits or so; whole ones below a hundred thousand as they are.
 *
 * @category rendering
 * @since 1.1.0
 * @example
 * ```ts
 * [1 / 3, 12345, 1e7].map(number) // 0.333, 12345, 10 M
 * ```
 */
export const number = (value: number): string => {
  if (!Number.isFinite(value)) return "–"
  if (Math.abs(value) >= 100_000) return scaled(value / 1000, 1000, ["k", "M", "G", "T"])
  return Number.isInteger(value) ? String(value) : digits(value)
}

/**
 * A whole number in full, in groups of three digits; from a million millions on as {@link number} has it.
 *
 * @category rendering
 * @since 1.1.0
 * @example
 * ```ts
 * integer(100_300) // 100,300
 * ```
 */
export const integer = (value: number): string =>
  value < 1e12 ? String(value).replace(/\B(?=(\d{3})+$)/g, ",") : number(value)

/**
 * @category rendering
 * @since 1.1.0
 * @example
 * ```ts
 * bytes(50_331_648) // 48 MiB
 * ```
 */
export const bytes = (value: number): string => scaled(value, 1024, ["B", "KiB", "MiB", "GiB", "TiB"])

/**
 * Seconds as what they are measured in: `12 µs`, `3.4 ms`, `1.2 s`, and in words from two minutes on.
 *
 * @category rendering
 * @since 1.1.0
 * @example
 * ```ts
 * latency(0.0034) // 3.4 ms
 * ```
 */
export const latency = (value: number): string =>
  !Number.isFinite(value)
    ? "–"
    : value === 0
    ? "0 ms"
    : value < 1e-3
    ? `${number(value * 1e6)} µs`
    : value < 1
    ? `${number(value * 1e3)} ms`
    : value < 120
    ? `${number(value)} s`
    : seconds(value)

/**
 * @category rendering
 * @since 1.1.0
 * @example
 * ```ts
 * percent(0.034) // 3.4 %
 * ```
 */
export const percent = (ratio: number): string => {
  if (!Number.isFinite(ratio)) return "–"
  const value = ratio * 100
  return `${value >= 10 || value === 0 ? Math.round(value) : Number(value.toPrecision(2))} %`
}

/**
 * The time of day of an ISO 8601 text, in UTC: `12:03:04`, with milliseconds where it has them and they are wanted.
 *
 * @category rendering
 * @since 1.1.0
 */
export const timeOfDay = (iso: string, options: { readonly milliseconds: boolean }): string =>
  iso.slice(11, options.milliseconds ? 23 : 19)
