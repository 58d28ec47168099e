import { assert, describe, it } from "@effect/vitest"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"

const program = `import * as Effect from "effect/Effect"
import * as RunMain from "./src/layers/RunMain.ts"
const begin = Effect.sync(() => process.stdout.write("begun"))
const broken = Effect.die(new Error("finalizer broke"))
RunMain.run(Effect.andThen(begin, Effect.never).pipe(Effect.ensuring(broken)), { serving: true })`

describe("the main program", () => {
  it("says what a finalizer failed with after a signal, in one line", async () => {
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
      cwd: fileURLToPath(new URL("../..", import.meta.url))
    })
    let stderr = ""
    child.stderr.on("data", (data) => stderr += String(data))
    await once(child.stdout, "data")
    child.kill("SIGTERM")
    assert.deepStrictEqual(await once(child, "close"), [1, null])
    const [line = "", ...rest] = stderr.trimEnd().split("\n")
    assert.deepStrictEqual(rest, [])
    assert.deepInclude(JSON.parse(line), { level: "FATAL" })
    assert.include(line, "finalizer broke")
  })
})
