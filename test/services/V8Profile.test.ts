import { assert, describe, it } from "@effect/vitest"
import { cpuSamples, heapSamples, objectsIn, type Position, timeline } from "../../src/services/V8Profile.ts"

const at = (functionName: string): Position => ({ functionName, url: "main.js", lineNumber: 0, columnNumber: 0 })

const cpu = {
  nodes: [
    { id: 1, callFrame: at("(root)"), children: [2, 3] },
    { id: 2, callFrame: at("(idle)") },
    { id: 3, callFrame: at("main"), children: [4] },
    { id: 4, callFrame: at("work") }
  ],
  startTime: 1_000,
  endTime: 1_100,
  samples: [3, 4, 4, 2, 4],
  timeDeltas: [10, 20, 5, 15, 30]
}

describe("a CPU profile", () => {
  it("counts a sample until the next, the last until the end, and not while idle", () => {
    const found = cpuSamples(cpu).map(({ stack, values }) => [stack.map(({ functionName }) => functionName), values])
    assert.deepStrictEqual(found, [
      [["main"], [1, 20_000]],
      [["work", "main"], [3, (5 + 15 + 20) * 1000]]
    ])
  })

  it("is a line of time, empty while idle", () => {
    assert.deepStrictEqual(timeline(cpu).map(({ at, stack }) => [at, stack[0]?.functionName]), [
      [1_010, "main"],
      [1_030, "work"],
      [1_035, "work"],
      [1_050, undefined],
      [1_080, "work"]
    ])
  })
})

describe("a heap profile", () => {
  it("has stacks with objects and bytes", () => {
    const found = heapSamples({
      head: {
        id: 1,
        callFrame: at("(root)"),
        children: [{ id: 2, callFrame: at("main"), children: [{ id: 3, callFrame: at("grow"), children: [] }] }]
      },
      samples: [{ nodeId: 3, size: 640_064 }, { nodeId: 3, size: 640_064 }, { nodeId: 2, size: 4_637_048 }]
    }, 524_288)
    assert.deepStrictEqual(found.map(({ stack, values }) => [stack.map(({ functionName }) => functionName), values]), [
      [["main"], [1, 4_637_048]],
      [["grow", "main"], [8, 1_280_128]]
    ])
  })

  it("tells how many objects a sample stands for, within a factor of two where V8 leaves it open", () => {
    const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 31))
    console.log(`seed ${seed}`)
    let state = seed
    for (let round = 0; round < 2_000; round++) {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31
      const size = 16 + 4 * (state % 50_000)
      const count = Math.round(1 / (1 - Math.exp(-size / 524_288)))
      const found = objectsIn(size * count, 524_288)
      assert.strictEqual((size * count) % found, 0, String(size))
      assert.isTrue(found >= count, `${size} bytes: ${found} for ${count}, seed ${seed}`)
    }
    assert.strictEqual(objectsIn(4_637_048, 524_288), 1)
  })
})
