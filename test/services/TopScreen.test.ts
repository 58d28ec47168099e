import { assert, describe, it } from "@effect/vitest"
import type { Frame } from "../../src/services/TopFrame.ts"
import { render, type Size } from "../../src/services/TopScreen.ts"

const row = (operation: string, perSecond = 12.34) => ({
  operation,
  perSecond,
  errorsPerSecond: perSecond / 4,
  p50: 0.0042,
  p99: 1.5,
  inFlight: 3
})

const frame: Frame = {
  health: {
    status: "warn",
    releaseId: "1.1.abcdef",
    serviceId: "orders",
    state: "ready",
    uptimeSeconds: 3700,
    environment: { kind: "local", instance: "host/1" },
    logLevel: { level: "debug", changes: [{}] },
    checks: { mail: [{ status: "pass" }], database: [{ status: "fail", output: "refused" }] }
  },
  operations: [row("orders.place"), row("orders.get", 0)],
  process: {
    cpuCores: 0.25,
    loopUtilization: 0.034,
    loopP99: 0.0012,
    loopMax: 2,
    rss: 70 * 2 ** 20,
    heapUsed: 1536,
    heapTotal: 2 ** 30,
    external: undefined,
    gcRatio: 0.5,
    gcPerSecond: 123_456,
    fibers: 7,
    fds: 20
  },
  accounts: [{ name: "logs", offered: 12_345, delivered: 12_000, buffered: 345, inFlight: 0, failure: "throttled" }]
}

const caption = { target: "http://127.0.0.1:9990", hint: "" }
const endless: Size = { columns: 200, rows: Infinity, colours: false }

describe("the screen of top", () => {
  it("shows health, process, operations, checks and delivery", () => {
    assert.deepStrictEqual(render(frame, caption, endless), [
      "orders warn  1.1.abcdef  ready  local  host/1  up 1h 1m  log debug (1 changed)  1 check not passing",
      "cpu   25%  loop  3.4%  lag p99   1.2ms  max   2.00s  gc 50% (123.5k/s)",
      "rss 70.0 MiB  heap 1.5 KiB of 1.0 GiB  external -  fibers 7  fds 20",
      "",
      "operation          /s errors/s      p50      p99 in flight",
      "orders.place     12.3      3.1    4.2ms    1.50s         3",
      "orders.get          0        0    4.2ms    1.50s         3",
      "",
      "checks",
      "fail database: refused",
      "pass mail",
      "",
      "delivery",
      "logs: 12.3k offered, 12.0k delivered, 345 buffered, 0 in flight  throttled"
    ])
  })

  it("fills a terminal of any size to the row, and is never wider", () => {
    const many = {
      ...frame,
      operations: Array.from({ length: 60 }, (_, index) => row(`operation.${index}.${"x".repeat(40)}`))
    }
    for (const colours of [true, false]) {
      for (let columns = 1; columns < 130; columns += 7) {
        for (let rows = 1; rows < 60; rows++) {
          const lines = render(many, { ...caption, hint: "q ends", failure: "no answer" }, { columns, rows, colours })
          assert.strictEqual(lines.length, rows)
          // oxlint-disable-next-line no-control-regex -- colours take no room
          for (const line of lines) assert.isAtMost(line.replaceAll(/\u001b\[\d+m/g, "").length, columns)
          if (rows > 2) assert.include(lines.at(-1), "q ends".slice(0, Math.max(0, columns - 1)))
        }
      }
    }
    const lines = render(many, caption, { columns: 100, rows: 20, colours: false })
    assert.isTrue(lines.some((line) => /^and \d+ more$/.test(line)))
  })

  it("says what is missing, and what is not there at all", () => {
    const failing = { ...caption, failure: "connection refused" }
    assert.deepStrictEqual(render(undefined, failing, endless), [
      "http://127.0.0.1:9990",
      "http://127.0.0.1:9990: connection refused"
    ])
    const empty = { ...frame, health: {}, operations: [], accounts: [] }
    assert.include(render(empty, caption, endless).join("\n"), "nothing was answered yet")
  })

  it("lets nothing that a service says steer the terminal", () => {
    const evil = "\u001b[2J\u0007\r\n\u202e\u009b1m"
    const lines = render(
      {
        ...frame,
        health: { ...frame.health, serviceId: evil, checks: { [evil]: [{ status: evil, output: evil }] } },
        operations: [row(evil)],
        accounts: [{ name: evil, failure: evil }]
      },
      { target: evil, failure: evil, hint: "" },
      endless
    )
    for (const line of lines) assert.match(line, /^[\x20-\x7e]*$/)
  })

  it("is coloured where there are colours", () => {
    const lines = render(frame, caption, { ...endless, colours: true })
    assert.include(lines[0], "\u001b[33mwarn\u001b[0m")
    assert.include(lines.join("\n"), "\u001b[31mfail \u001b[0m")
  })
})
