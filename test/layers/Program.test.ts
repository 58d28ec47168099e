import { assert, describe, it } from "@effect/vitest"
import { files, words } from "../../src/layers/Program.ts"

const self = {
  execPath: "/usr/bin/node",
  execArgv: ["--max-old-space-size=512"],
  argv: ["/usr/bin/node", "/opt/a/main.js", "init"]
}

describe("the program of a unit", () => {
  it("is this node with its flags, and this file as it was called", () => {
    const found = words({ node: undefined, root: "/" }, self, false)
    assert.deepStrictEqual(found, ["/usr/bin/node", "--max-old-space-size=512", "/opt/a/main.js"])
    assert.deepStrictEqual(files(found), { file: "/opt/a/main.js", node: "/usr/bin/node" })
  })

  it("is another node where one is named", () => {
    assert.strictEqual(words({ node: "/opt/node", root: "/" }, self, false)[0], "/opt/node")
  })

  it("is called as on the machine that the image is for", () => {
    const built = { ...self, argv: ["/usr/bin/node", "/image/opt/a/main.js"] }
    assert.strictEqual(words({ node: undefined, root: "/image" }, built, false).at(-1), "/opt/a/main.js")
  })

  it("is one file where node is in it", () => {
    const single = { execPath: "/opt/orders", execArgv: ["--sealed"], argv: ["/opt/orders", "/opt/orders", "init"] }
    const found = words({ node: undefined, root: "/" }, single, true)
    assert.deepStrictEqual(found, ["/opt/orders"])
    assert.deepStrictEqual(files(found), { file: "/opt/orders", node: undefined })
  })
})
