import { assert, describe, it } from "@effect/vitest"
import * as Sparkline from "../../src/services/Sparkline.ts"

const pathOf = (values: ReadonlyArray<number>, options: { readonly top?: number } = {}) =>
  / d="([^"]*)"/.exec(Sparkline.line(values, { label: "x", ...options }))?.[1]

/** The points of the line of a path, the edges of its area left out. */
const pointsOf = (path: string | undefined) =>
  (path ?? "").split("M").slice(1).map((run) => {
    const [, top = "", start = "", steps = ""] = /V([\d.]+)H(\d+)(?:l([^H]*)|h.2)H/.exec(run) ?? []
    let [x, y] = [Number(start), Number(top)]
    const numbers = [...steps.matchAll(/1(-\d+| \d+)/g)].map(([, step]) => Number(step))
    return [[x, y], ...numbers.map((step) => [++x, y += step])]
  })

describe("Sparkline", () => {
  it("draws values from 0 to the greatest", () => {
    assert.deepStrictEqual(pointsOf(pathOf([0, 5, 10, 5])), [[[0, 40], [1, 20], [2, 0], [3, 20]]])
  })

  it("leaves a gap where nothing was known", () => {
    assert.deepStrictEqual(pointsOf(pathOf([NaN, 10, NaN, 5, 10])), [[[1, 0]], [[3, 20], [4, 0]]])
    assert.deepStrictEqual(pointsOf(pathOf([-Infinity, 10, Infinity, 5, 10])), [[[1, 0]], [[3, 20], [4, 0]]])
  })

  it("lets noise about nothing look like nothing", () => {
    assert.deepStrictEqual(pointsOf(pathOf([0.01, 0], { top: 1 })), [[[0, 40], [1, 40]]])
  })

  it("draws what never moves as a level line, at the bottom when it is 0", () => {
    assert.deepStrictEqual(pointsOf(pathOf([0, 0])), [[[0, 40], [1, 40]]])
    assert.deepStrictEqual(pointsOf(pathOf([-3, 3])), [[[0, 40], [1, 0]]])
  })

  it("draws nothing where nothing is known, and escapes its label", () => {
    assert.strictEqual(pathOf([NaN, NaN]), "")
    assert.include(Sparkline.line([], { label: `"<` }), `aria-label="&quot;&lt;"`)
  })

  it("draws a tall bar for each failure, a short one for each success, the newest at the right", () => {
    const strip = Sparkline.strip(["pass", "fail"], { size: 3, label: "1 of 2" })
    assert.include(strip, `class="good" d="M6 14V6"`)
    assert.include(strip, `class="bad" d="M10 14V0"`)
  })
})
