/**
 * One line of a Prometheus text: a value of a series.
 *
 * @category models
 * @since 1.1.0
 */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const line = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{([^]*)\})?[ \t]+(\S+)(?:[ \t]+-?\d+)?[ \t]*$/
const label = /[ \t,]*([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\[^])*)"/y

const escapes: Readonly<Record<string, string>> = { n: "\n", "\\": "\\", "\"": "\"" }

const numbers: Readonly<Record<string, number>> = {
  "+Inf": Number.POSITIVE_INFINITY,
  Inf: Number.POSITIVE_INFINITY,
  "-Inf": Number.NEGATIVE_INFINITY,
  NaN: Number.NaN
}

/**
 * Reads a Prometheus text, as any service may write it; lines that are none of it are left out.
 *
 * @category parsing
 * @since 1.1.0
 * @example
 * ```ts
 * parse(`up{job="a"} 1\n`) // [{ name: "up", labels: { job: "a" }, value: 1 }]
 * ```
 */
export const parse = (text: string): ReadonlyArray<Sample> => {
  const samples: Array<Sample> = []
  for (const row of text.split("\n")) {
    if (row.startsWith("#")) continue
    const [, name, inside = "", number = ""] = line.exec(row) ?? []
    const value = numbers[number] ?? Number(number)
    if (name === undefined || (Number.isNaN(value) && number !== "NaN")) continue
    samples.push({ name, labels: labelsOf(inside), value })
  }
  return samples
}

const labelsOf = (inside: string): Readonly<Record<string, string>> => {
  const labels: Array<readonly [string, string]> = []
  label.lastIndex = 0
  for (let match = label.exec(inside); match !== null; match = label.exec(inside)) {
    const [, name = "", value = ""] = match
    labels.push([name, value.replace(/\\([^])/g, (_, character: string) => escapes[character] ?? `\\${character}`)])
  }
  return Object.fromEntries(labels)
}
