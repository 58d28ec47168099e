import { assert, describe, it } from "@effect/vitest"
import { type Answer, judge, parse, ports, type Probe } from "../../src/services/HealthProbe.ts"
import { definitions } from "../../src/services/SettingDefinitions.ts"

const probe: Probe = { targets: ["http://127.0.0.1:1", "http://127.0.0.1:2"], timeout: 1, json: false }

const answered = (body: unknown, status = 200): Answer => ({ status, body: JSON.stringify(body) })

const full = (status: string, output: string) => ({
  status,
  releaseId: "1.1.abcdef",
  serviceId: "orders",
  checks: { mail: [{ status: "pass" }], database: [{ status, output }] }
})

describe("what a health probe asks", () => {
  it("is both listeners of this machine, where the settings' variables say", () => {
    assert.deepStrictEqual(ports, { service: definitions.port.fallback, admin: definitions.adminPort.fallback })
    assert.deepStrictEqual(parse([], {}), {
      targets: ["http://127.0.0.1:8080", "http://127.0.0.1:9990"],
      timeout: 5000,
      json: false
    })
    const env = { HOST: "::", PORT: " 80 ", ADMIN_HOST: "fe80::1", ADMIN_PORT: "81" }
    assert.deepInclude(parse([], env), { targets: ["http://127.0.0.1:80", "http://[fe80::1]:81"] })
  })

  it("is a target alone, where one is given, within a time", () => {
    const expected = { targets: ["https://a:1"], timeout: 1500, json: true }
    assert.deepStrictEqual(parse(["--target", "https://a:1/", "--timeout=1500ms", "--json"], {}), expected)
    assert.deepStrictEqual(parse(["--json", "--timeout", "1.5", "--target=https://a:1"], {}), expected)
    assert.strictEqual(parse(["--nonsense", "-h"], {}), "help")
  })

  it("is refused with all problems at once", () => {
    assert.deepStrictEqual(parse(["--target=a:1", "--timeout", "--json=1", "x"], {}), {
      problems: [
        `--target: expected the URL of a listener, got "a:1"`,
        `--timeout: expected a duration such as 500ms or 3s, got "--json=1"`,
        "x: expected --target, --timeout, --json or --help"
      ]
    })
    for (const timeout of ["0s", "50000m"]) assert.property(parse([`--timeout=${timeout}`], {}), "problems")
    assert.deepStrictEqual(parse([], { PORT: "abc", ADMIN_HOST: "a b" }), {
      problems: [
        "http://127.0.0.1:abc is no URL of a listener: set HOST and PORT, or --target",
        "http://a b:9990 is no URL of a listener: set ADMIN_HOST and ADMIN_PORT, or --target"
      ]
    })
  })
})

describe("what a health probe says", () => {
  it("is status, name, version and why on one line, whatever the checks say", () => {
    const short = answered({ status: "warn", releaseId: "1.1.abcdef" })
    assert.deepStrictEqual(judge(probe, [short, answered(full("warn", "no\nroute\u001b[2J"))]), {
      text: "warn orders 1.1.abcdef: database warn (no route [2J)",
      exitCode: 0
    })
    assert.deepStrictEqual(judge(probe, [short, { failure: "refused" }]), { text: "warn 1.1.abcdef", exitCode: 0 })
  })

  it("is 1 for fail, and for what is no answer, whatever the other listener says", () => {
    const well = answered(full("pass", ""))
    assert.strictEqual(judge(probe, [answered(full("fail", "down"), 503)]).exitCode, 1)
    for (
      const answer of [
        { failure: "refused" },
        answered("hello"),
        answered({ status: "splendid" }),
        answered(null),
        { status: 200, body: "<html>" }
      ]
    ) {
      const { exitCode, text } = judge(probe, [answer, well])
      assert.strictEqual(exitCode, 1)
      assert.match(text, /^fail: http:\/\/127\.0\.0\.1:1/)
    }
  })

  it("is the document in JSON", () => {
    const json = { ...probe, json: true }
    const { text } = judge(json, [answered({ status: "pass", releaseId: "1" }), answered(full("warn", "slow"))])
    assert.deepInclude(JSON.parse(text), { status: "pass", releaseId: "1", serviceId: "orders" })
    assert.deepInclude(JSON.parse(judge(json, [{ failure: "refused" }]).text), { status: "fail" })
  })
})
