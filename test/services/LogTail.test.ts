import { assert, describe, it } from "@effect/vitest"
import * as LogTail from "../../src/services/LogTail.ts"

const drain = (tail: LogTail.LogTail) => {
  const chunks: Array<string> = []
  for (let text = tail.take(); text !== ""; text = tail.take()) chunks.push(text)
  return chunks
}

describe("LogTail", () => {
  it("gives lines as events, in order, and wakes for each", () => {
    let woken = 0
    const tail = LogTail.make(() => woken++)
    tail.offer("{1}")
    tail.offer("{2}")
    assert.deepStrictEqual([drain(tail), woken], [["data: {1}\n\ndata: {2}\n\n"], 2])
    tail.offer("{3}")
    assert.deepStrictEqual(drain(tail), ["data: {3}\n\n"])
  })

  it("keeps no more than it may, and tells how many lines were lost, where they were", () => {
    const tail = LogTail.make(() => {})
    const line = "x".repeat(1000)
    for (let n = 0; n < 2000; n++) tail.offer(line)
    const text = drain(tail).join("")
    const kept = text.split("data: xxx").length - 1
    assert.isAtMost(kept * line.length, LogTail.maxPending)
    assert.isAbove((kept + 1) * line.length, LogTail.maxPending)
    assert.isTrue(text.endsWith(`event: ${LogTail.lostEvent}\ndata: ${2000 - kept}\n\n`))
    tail.offer("{after}")
    assert.deepStrictEqual(drain(tail), ["data: {after}\n\n"])
  })

  it("loses whatever comes until what waits was taken, so that lines stay in order", () => {
    const tail = LogTail.make(() => {})
    tail.offer("a".repeat(LogTail.maxPending - 1))
    tail.offer("too long")
    tail.offer("b")
    const text = drain(tail).join("")
    assert.notInclude(text, "data: b")
    assert.include(text, "data: 2\n")
  })

  it("takes one line of any length, and hands over in chunks", () => {
    const tail = LogTail.make(() => {})
    tail.offer("x".repeat(LogTail.maxPending * 2))
    assert.isAbove(drain(tail)[0]?.length ?? 0, LogTail.maxPending * 2)
    for (let n = 0; n < 1000; n++) tail.offer("x".repeat(1000))
    for (const chunk of drain(tail)) assert.isBelow(chunk.length, LogTail.chunkSize + 2000)
  })
})
