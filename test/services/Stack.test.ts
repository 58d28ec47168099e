import { assert, describe, it } from "@effect/vitest"
import * as Stack from "../../src/services/Stack.ts"

describe("a template", () => {
  it("is the same text whatever the order its parts were written in", () => {
    const one = Stack.render({ Resources: { A: { b: 1, a: [{ d: 1, c: 2 }] }, B: {} }, Outputs: {} })
    const other = Stack.render({ Resources: { B: {}, A: { a: [{ c: 2, d: 1 }], b: 1 } }, Outputs: {} })
    assert.strictEqual(one, other)
    assert.match(one, /^\{\n {2}"Resources": \{\n {4}"A": /)
    assert.isTrue(one.endsWith("}\n"))
  })

  it("is put together of parts, and says all that two of them have", () => {
    const { conflicts, whole } = Stack.merge([
      { resources: { Queue: "mine" }, outputs: { Url: 1 } },
      { resources: { Queue: "yours", Topic: 1 }, outputs: { Url: 2 }, parameters: { Queue: 1 } }
    ])
    assert.deepStrictEqual(conflicts, [
      "resource Queue is there twice; call yours differently",
      "output Url is there twice; call yours differently",
      "Queue is a parameter and a resource; call yours differently"
    ])
    assert.deepStrictEqual(Object.keys(whole.resources), ["Queue", "Topic"])
    assert.deepStrictEqual(whole.conditions, {})
  })
})
