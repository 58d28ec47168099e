import { assert, describe, it } from "@effect/vitest"
import { Profile } from "pprof-format"
import { encode, type Frame, merge, type Sample, subtract } from "../../src/services/Pprof.ts"

const frame = (name: string, line = 1): Frame => ({ name, file: `src/${name}.ts`, line })

const samples: ReadonlyArray<Sample> = [
  { stack: [frame("inner", 3), frame("outer", 9)], values: [2, 20], labels: { operation: "orders.place" } },
  { stack: [frame("inner", 4), frame("outer", 9)], values: [1, 10] }
]

describe("a profile", () => {
  it("is what pprof's own format says", () => {
    const decoded = Profile.decode(encode({
      sampleTypes: [{ type: "samples", unit: "count" }, { type: "cpu", unit: "nanoseconds" }],
      periodType: { type: "cpu", unit: "nanoseconds" },
      period: 10_000_000,
      startedAt: 1_700_000_000_000,
      duration: 1_500,
      comments: ["said"],
      samples
    }))
    const { strings } = decoded.stringTable
    const text = (index: number | bigint) => strings[Number(index)]
    assert.deepStrictEqual(decoded.sampleType.map(({ type, unit }) => [text(type), text(unit)]), [
      ["samples", "count"],
      ["cpu", "nanoseconds"]
    ])
    assert.strictEqual(BigInt(decoded.timeNanos), 1_700_000_000_000_000_000n)
    assert.strictEqual(Number(decoded.durationNanos), 1_500_000_000)
    assert.strictEqual(Number(decoded.period), 10_000_000)
    assert.deepStrictEqual(decoded.comment.map(text), ["said"])
    assert.deepStrictEqual(decoded.function.map(({ filename, name }) => [text(name), text(filename)]), [
      ["inner", "src/inner.ts"],
      ["outer", "src/outer.ts"]
    ])
    assert.deepStrictEqual(
      decoded.sample.map(({ label, locationId, value }) => [
        locationId.map((id) => {
          const line = decoded.location.find((location) => location.id === id)?.line[0]
          return [text(decoded.function.find(({ id }) => id === line?.functionId)?.name ?? 0), Number(line?.line)]
        }),
        value.map(Number),
        label.map(({ key, str }) => [text(key), text(str)])
      ]),
      [
        [[["inner", 3], ["outer", 9]], [2, 20], [["operation", "orders.place"]]],
        [[["inner", 4], ["outer", 9]], [1, 10], []]
      ]
    )
    assert.deepInclude(decoded.mapping[0], { hasFunctions: true, hasFilenames: true, hasLineNumbers: true })
  })

  it("adds up what is the same, and subtracts what was before", () => {
    assert.deepStrictEqual(merge([...samples, ...samples]).map(({ values }) => values), [[4, 40], [2, 20]])
    assert.deepStrictEqual(subtract([...samples, ...samples], samples).map(({ values }) => values), [[2, 20], [1, 10]])
    assert.deepStrictEqual(subtract(samples, samples), [])
    assert.deepStrictEqual(subtract([], samples).map(({ values }) => values), [[-2, -20], [-1, -10]])
  })
})
