import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { hostname } from "node:os"
import * as EnvironmentLayer from "../../src/layers/Environment.ts"
import { Environment } from "../../src/services/Environment.ts"

const signs = (
  files: Readonly<Record<string, string>> = {},
  env: EnvironmentLayer.Signs["env"] = {}
): EnvironmentLayer.Signs => ({ env, read: (path) => files[path] })

const nitro = {
  "/sys/class/dmi/id/sys_vendor": "Amazon EC2",
  "/sys/class/dmi/id/board_asset_tag": "i-0123456789abcdef0"
}
const xen = { "/sys/hypervisor/uuid": "ec2e1916-9099-7caf-fd21-012345abcdef" }
const task = { ECS_CONTAINER_METADATA_URI_V4: "http://169.254.170.2/v4/2dfda2cd7b5f4c3a-1175380843" }

describe("the environment", () => {
  it("is found by what the platform leaves in files and variables, without any request", () => {
    assert.strictEqual(EnvironmentLayer.detect(signs()), "local")
    assert.strictEqual(EnvironmentLayer.detect(signs({ "/sys/class/dmi/id/sys_vendor": "QEMU" })), "local")
    assert.strictEqual(EnvironmentLayer.detect(signs(nitro)), "ec2")
    assert.strictEqual(EnvironmentLayer.detect(signs(xen)), "ec2")
    assert.strictEqual(EnvironmentLayer.detect(signs(nitro, task)), "ecs", "a container on a machine is a task first")
  })

  it("tells the instance from its siblings", () => {
    const here = `${hostname()}/${process.pid}`
    assert.strictEqual(EnvironmentLayer.instanceOf("local", signs(nitro)), here)
    assert.strictEqual(EnvironmentLayer.instanceOf("ec2", signs(nitro)), "i-0123456789abcdef0")
    assert.strictEqual(EnvironmentLayer.instanceOf("ec2", signs(xen)), here)
    assert.strictEqual(EnvironmentLayer.instanceOf("ecs", signs(nitro, task)), "2dfda2cd7b5f4c3a-1175380843")
    assert.strictEqual(EnvironmentLayer.instanceOf("ecs", signs()), here)
  })

  it("asks for the number of the machine only where it is one of AWS", () => {
    const read = (path: string) => assert.fail(`asked for ${path}`)
    assert.strictEqual(EnvironmentLayer.instanceOf("local", { env: {}, read }), `${hostname()}/${process.pid}`)
  })

  it.effect("is found out when somebody asks, or was told", () =>
    Effect.gen(function*() {
      const environment = yield* Environment
      assert.strictEqual(environment.instance, `${hostname()}/${process.pid}`)
      assert.strictEqual(environment.instance, environment.instance)
      const told = yield* Environment.pipe(Effect.provide(EnvironmentLayer.layer("ec2", { instance: "i-told" })))
      assert.strictEqual(told.instance, "i-told")
    }).pipe(Effect.provide(EnvironmentLayer.layer("local"))))

  it.effect("is what it is told to be", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* Environment).kind, "ecs")
    }).pipe(Effect.provide(EnvironmentLayer.layer("ecs"))))
})
