import { Profile as Message, StringTable } from "pprof-format"

/**
 * One place in the code: what pprof calls a function and its line, counted from 1.
 *
 * @category models
 * @since 1.1.0
 */
export interface Frame {
  readonly name: string
  readonly file: string
  readonly line: number
}

/**
 * One stack, the innermost frame first, with a value for each sample type of its profile.
 *
 * @category models
 * @since 1.1.0
 */
export interface Sample<F = Frame> {
  readonly stack: ReadonlyArray<F>
  readonly values: ReadonlyArray<number>
  readonly labels?: Readonly<Record<string, string>> | undefined
}

/**
 * What a value is and its unit, such as `cpu` in `nanoseconds`.
 *
 * @category models
 * @since 1.1.0
 */
export interface ValueType {
  readonly type: string
  readonly unit: string
}

/**
 * A profile, as https://github.com/google/pprof/blob/main/proto/profile.proto has it. Times are in milliseconds.
 *
 * @category models
 * @since 1.1.0
 */
export interface Profile {
  readonly sampleTypes: ReadonlyArray<ValueType>
  readonly periodType?: ValueType | undefined
  readonly period?: number | undefined
  readonly startedAt: number
  readonly duration?: number | undefined
  readonly comments?: ReadonlyArray<string> | undefined
  readonly samples: ReadonlyArray<Sample>
}

/**
 * Writes a profile as the protocol buffer that `go tool pprof` reads, not compressed. The last sample type is the one
 * that is shown first.
 *
 * @category encoding
 * @since 1.1.0
 * @example
 * ```ts
 * encode({
 *   sampleTypes: [{ type: "goroutine", unit: "count" }],
 *   startedAt: Date.now(),
 *   samples: [{ stack: [{ name: "greet", file: "src/main.ts", line: 12 }], values: [500] }]
 * })
 * ```
 */
export const encode = (profile: Profile): Uint8Array => {
  const strings = new StringTable()
  const text = (value: string) => strings.dedup(value)
  const typeOf = ({ type, unit }: ValueType) => ({ type: text(type), unit: text(unit) })
  const functions = new Map<string, number>()
  const locations = new Map<string, number>()
  const functionTable: Array<{ id: number; name: number; systemName: number; filename: number }> = []
  const locationTable: Array<{ id: number; mappingId: number; line: Array<{ functionId: number; line: number }> }> = []

  const functionOf = ({ file, name }: Frame): number => {
    const key = `${name}\n${file}`
    let id = functions.get(key)
    if (id === undefined) {
      id = functionTable.length + 1
      functions.set(key, id)
      functionTable.push({ id, name: text(name), systemName: text(name), filename: text(file) })
    }
    return id
  }
  const locationOf = (frame: Frame): number => {
    const key = `${frame.name}\n${frame.file}\n${frame.line}`
    let id = locations.get(key)
    if (id === undefined) {
      id = locationTable.length + 1
      locations.set(key, id)
      locationTable.push({ id, mappingId: 1, line: [{ functionId: functionOf(frame), line: frame.line }] })
    }
    return id
  }

  const sample = profile.samples.map(({ labels = {}, stack, values }) => ({
    locationId: stack.map(locationOf),
    value: [...values],
    label: Object.entries(labels).map(([key, value]) => ({ key: text(key), str: text(value) }))
  }))
  return new Message({
    sampleType: profile.sampleTypes.map(typeOf),
    sample,
    // Without a mapping that has them, pprof asks the server for symbols.
    mapping: [{ id: 1, filename: text("node"), hasFunctions: true, hasFilenames: true, hasLineNumbers: true }],
    location: locationTable,
    function: functionTable,
    timeNanos: BigInt(Math.round(profile.startedAt)) * 1_000_000n,
    durationNanos: BigInt(Math.round((profile.duration ?? 0) * 1e6)),
    ...(profile.periodType === undefined ? {} : { periodType: typeOf(profile.periodType) }),
    period: profile.period ?? 0,
    comment: (profile.comments ?? []).map(text),
    stringTable: strings
  }).encode()
}

/**
 * Adds up samples of the same stack and labels.
 *
 * @category conversions
 * @since 1.1.0
 */
export const merge = (samples: ReadonlyArray<Sample>): ReadonlyArray<Sample> => {
  const merged = new Map<string, { readonly sample: Sample; readonly values: Array<number> }>()
  for (const sample of samples) {
    const key = keyOf(sample)
    const known = merged.get(key)
    if (known === undefined) merged.set(key, { sample, values: [...sample.values] })
    else sample.values.forEach((value, index) => known.values[index] = (known.values[index] ?? 0) + value)
  }
  return [...merged.values()].map(({ sample, values }) => ({ ...sample, values }))
}

/**
 * What `later` has more than `earlier`, stack by stack; a stack that shrank has negative values, as in Go's deltas.
 *
 * @category conversions
 * @since 1.1.0
 */
export const subtract = (later: ReadonlyArray<Sample>, earlier: ReadonlyArray<Sample>): ReadonlyArray<Sample> =>
  merge([...later, ...earlier.map((sample) => ({ ...sample, values: sample.values.map((value) => -value) }))])
    .filter(({ values }) => values.some((value) => value !== 0))

const keyOf = ({ labels, stack }: Sample): string =>
  JSON.stringify([stack.map(({ file, line, name }) => [name, file, line]), labels ?? {}])
