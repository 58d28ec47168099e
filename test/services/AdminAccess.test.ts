import { assert, describe, it } from "@effect/vitest"
import { allowsHost, allowsPeer, isLoopback } from "../../src/services/AdminAccess.ts"

const loopback = { host: "127.0.0.1", names: ["orders.internal"] }
const everywhere = { host: "0.0.0.0", names: ["orders.internal"] }

describe("access to the admin listener", () => {
  it("knows what is this machine alone", () => {
    for (const host of ["localhost", "127.0.0.1", "127.1.2.3", "::1", "[::1]", "::ffff:127.0.0.1"]) {
      assert.isTrue(isLoopback(host), host)
    }
    for (
      const host of ["", "127.0.0.1.evil.example", "127.evil.example", "1127.0.0.1", "::", "10.0.0.1", "localhost.x"]
    ) {
      assert.isFalse(isLoopback(host), host)
    }
  })

  it("takes loopback's names on loopback, addresses and given names elsewhere, and no others", () => {
    const table: ReadonlyArray<readonly [header: string, loopback: boolean, everywhere: boolean]> = [
      ["localhost:9990", true, true],
      ["127.0.0.1", true, true],
      ["[::1]:9990", true, true],
      ["10.0.0.1:9990", false, true],
      ["[fe80::1]", false, true],
      ["Orders.Internal:9990", false, true],
      ["orders.internal.evil.example", false, false],
      ["10.0.0.1.evil.example", false, false],
      ["10.0.0.1:9990@evil.example", false, false],
      ["evil.example", false, false],
      ["", false, false]
    ]
    for (const [header, here, anywhere] of table) {
      assert.deepStrictEqual(
        [header, allowsHost(header, loopback), allowsHost(header, everywhere)],
        [header, here, anywhere]
      )
    }
    assert.isTrue(allowsHost("admin.internal:1", { host: "Admin.internal", names: [] }))
  })

  it("takes any peer where it was bound to be reached, else those of this machine", () => {
    assert.deepStrictEqual(["127.0.0.1", "10.0.0.1", undefined].map((peer) => allowsPeer(peer, loopback)), [
      true,
      false,
      false
    ])
    assert.deepStrictEqual(["127.0.0.1", "10.0.0.1", undefined].map((peer) => allowsPeer(peer, everywhere)), [
      true,
      true,
      true
    ])
  })
})
