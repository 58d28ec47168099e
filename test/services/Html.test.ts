import { assert, describe, it } from "@effect/vitest"
import * as Html from "../../src/services/Html.ts"

describe("Html", () => {
  it("escapes what would be markup or end an attribute", () => {
    assert.strictEqual(Html.escape(`<a href='x' title="y">&`), "&lt;a href=&#39;x&#39; title=&quot;y&quot;&gt;&amp;")
  })

  it("leaves alone what fits", () => {
    assert.strictEqual(Html.clip("abc", 3), "abc")
    assert.strictEqual(Html.clip("<", 4), "&lt;")
    assert.strictEqual(Html.clip("", 3), "")
  })

  it("never cuts an entity or a character in two, and never gives more than it may", () => {
    for (
      const text of ["<<<<<<<<", "éééééééé", "語語語語語語", "😀😀😀😀😀😀", "a<é語😀\"&'>a<é語😀", "aaaaaaaaaaaaaaa"]
    ) {
      for (let bytes = 3; bytes < 40; bytes++) {
        const clipped = Html.clip(text, bytes)
        assert.isAtMost(Buffer.byteLength(clipped), bytes, `${text} in ${bytes}`)
        const whole = Html.escape(text)
        if (Buffer.byteLength(whole) <= bytes) assert.strictEqual(clipped, whole)
        else {
          assert.isTrue(clipped.endsWith("…"), `${text} in ${bytes}: ${clipped}`)
          assert.isTrue(whole.startsWith(clipped.slice(0, -1)))
          assert.match(clipped, /^(&(lt|gt|amp|quot|#39);|[^&<>"'])*$/u)
        }
      }
    }
  })
})
