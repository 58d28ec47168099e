import { NodeServices } from "@effect/platform-node"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Command } from "effect/cli"
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PassThrough } from "node:stream"
import * as UserDataCommand from "../src/layers/UserDataCommand.ts"
import { credentials, present, startMoto } from "./utils/moto.ts"
import { command } from "./utils/service.ts"

const directory = mkdtempSync(join(tmpdir(), "keelson-boot-"))
const shellcheck = process.env["CI"] !== undefined || spawnSync("shellcheck", ["--version"]).error === undefined

const key = "reference/1.1.ab41cd/main.js"
const digest = (text: string) => createHash("sha256").update(text).digest("hex")

const print = async (...flags: ReadonlyArray<string>) => {
  const { code, stderr, stdout } = await command(["user-data", "--bucket=releases", `--key=${key}`, ...flags])
  assert.strictEqual(code, 0, stderr)
  return stdout
}

/** What the fetching container of a task runs, with `values` in the place of the template's parameters. */
const fetchScript = async (values: Readonly<Record<string, string>>): Promise<string> => {
  const { stdout } = await command(["template", "--target=ecs"])
  const [container] = JSON.parse(stdout).Resources.Task.Properties.ContainerDefinitions
  return container.Command[0]["Fn::Join"][1]
    .map((piece: string | { readonly Ref: string }) => typeof piece === "string" ? piece : values[piece.Ref])
    .join("")
}

describe("the boot script", () => {
  it.runIf(shellcheck)("is clean to shellcheck, and so is what a task fetches with", async () => {
    const scripts = [
      await print(`--sha256=${digest("")}`),
      await print(
        `--sha256=${digest("")}`,
        "--region=eu-west-1",
        "--signal-stack=a",
        "--signal-resource=b",
        "--log-level=info"
      ),
      `#!/bin/bash\n${await fetchScript({
        ArtefactBucket: "a",
        ArtefactKey: "b",
        ArtefactSha256: "c",
        "AWS::Region": "d"
      })}`
    ]
    for (const input of scripts) {
      const { status, stdout } = spawnSync("shellcheck", ["-"], { input, encoding: "utf8" })
      assert.deepStrictEqual([status, stdout], [0, ""])
    }
  })

  it("is not printed for values that a shell could read as more than a word, or that no bucket has", async () => {
    const flags = ["--bucket=Releases", "--key=a'b", "--sha256=12", "--node-package=$(id)", "--region=x;y"]
    const { code, stderr, stdout } = await command(["user-data", ...flags])
    assert.deepStrictEqual([code, stdout], [78, ""])
    for (const name of ["bucket", "key", "sha256", "nodePackage", "region"]) assert.include(stderr, `${name} is `)
  })

  it.effect("is not printed for a name that init would refuse", () =>
    Effect.gen(function*() {
      const output = { stdout: new PassThrough(), stderr: new PassThrough() }
      const run = Command.runWith(UserDataCommand.make("a.b", {}, output), { version: "1" })
      const error = yield* Effect.flip(run(["--bucket=releases", "--key=a", `--sha256=${digest("")}`]))
      assert.include(String(error), `the service's name "a.b" is no name for a unit`)
    }).pipe(Effect.provide(NodeServices.layer)))

  it("is not printed for half a signal", async () => {
    for (const flag of ["--signal-stack=a", "--signal-resource=b"]) {
      const { code, stderr } = await command([
        "user-data",
        "--bucket=releases",
        "--key=a",
        `--sha256=${digest("")}`,
        flag
      ])
      assert.deepStrictEqual([code, stderr.includes("signal-stack and signal-resource go together")], [78, true])
    }
  })

  it("is not printed for a time before now", async () => {
    const flags = ["--bucket=releases", `--key=${key}`, `--sha256=${digest("")}`, "--settle=-5"]
    const { code, stderr } = await command(["user-data", ...flags])
    assert.deepStrictEqual([code, stderr.includes("settle is -5, expected seconds from 0 on")], [78, true])
  })

  it("is not printed with flags that no service would take", async () => {
    const flags = ["--bucket=releases", `--key=${key}`, `--sha256=${digest("")}`, "--log-level=loud"]
    const { code, stderr } = await command(["user-data", ...flags])
    assert.strictEqual(code, 78)
    assert.include(stderr, "logLevel")
  })
})

// An own mount namespace: nothing of this machine is written to. Where CI is set, it must be possible.
const namespace = spawnSync("unshare", ["-rm", "mount", "-t", "tmpfs", "tmpfs", "/opt"]).status === 0

describe.runIf((present && namespace) || process.env["CI"] !== undefined)("a machine that boots with it", {
  timeout: 120_000
}, () => {
  let moto: Awaited<ReturnType<typeof startMoto>>
  beforeAll(async () => {
    moto = await startMoto(new Set())
    await moto.aws(
      "s3api",
      "create-bucket",
      "--bucket=releases",
      "--create-bucket-configuration=LocationConstraint=eu-west-1"
    )
  })
  afterAll(async () => {
    await moto.close()
    rmSync(directory, { recursive: true })
  })

  /** A service of one line, in the bucket. */
  const upload = async (code: string): Promise<string> => {
    const text = `#!/usr/bin/env node\n${code}\n`
    const file = join(directory, "main.js")
    writeFileSync(file, text)
    await moto.aws("s3api", "put-object", "--bucket=releases", `--key=${key}`, `--body=${file}`)
    return digest(text)
  }

  const executable = (file: string, text: string) => {
    writeFileSync(file, `#!/bin/bash\n${text}\n`)
    chmodSync(file, 0o755)
  }

  /** Boots with nothing on the path but what Amazon Linux has, and says what then lies in /opt. */
  const boot = (script: string, options: { readonly aws?: string; readonly node?: boolean } = {}) => {
    const bin = mkdtempSync(join(directory, "bin-"))
    const tools = [
      "bash",
      "cat",
      "chmod",
      "cp",
      "date",
      "env",
      "find",
      "ln",
      "mkdir",
      "mktemp",
      "mount",
      "mv",
      "rm",
      "sha256sum",
      "unshare"
    ]
    for (const tool of tools) {
      const { stdout } = spawnSync("which", [tool], { encoding: "utf8" })
      symlinkSync(stdout.trim(), join(bin, tool))
    }
    if (options.node !== false) symlinkSync(process.execPath, join(bin, "node"))
    const log = join(bin, "log")
    writeFileSync(log, "")
    executable(join(bin, "aws"), `${options.aws ?? ""}\nPATH=${process.env["PATH"]} exec aws "$@"`)
    executable(join(bin, "dnf"), `echo "dnf $*" >>${log}; ln -s ${process.execPath} ${bin}/node`)
    executable(join(bin, "sleep"), `echo "sleep" >>${log}`)
    executable(join(bin, "signal"), `echo "signal $*" >>${log}`)
    const file = join(bin, "boot.sh")
    writeFileSync(file, script)
    mkdirSync(join(bin, "app"))
    const inside = `mount -t tmpfs tmpfs /opt && mkdir -p /opt/aws/bin && cp ${bin}/signal /opt/aws/bin/cfn-signal
bash ${file}; status=$?; echo "files: $(find /opt/reference ${bin}/app -mindepth 1 -printf '%f %m ' 2>/dev/null)"; exit "$status"`
    const { status, stderr, stdout } = spawnSync("unshare", ["-rm", "bash", "-c", inside], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: bin, AWS_ENDPOINT_URL: moto.direct, ...credentials, LOG: log }
    })
    return { status, output: stdout + stderr, log: readFileSync(log, "utf8") }
  }

  const initSaysItsArguments = `console.log("run as", JSON.stringify(process.argv.slice(1)))`
  const signals = ["--signal-stack=prod", "--signal-resource=Group"]

  it("has the file under its name, ran init, waited, and told CloudFormation", async () => {
    const sha256 = await upload(initSaysItsArguments)
    const { log, output, status } = boot(
      await print(`--sha256=${sha256}`, ...signals, "--region=eu-west-1", "--lameduck=10s")
    )
    assert.strictEqual(status, 0, output)
    assert.include(output, `run as ["/opt/reference/main.js","init","--lameduck=10s"]`)
    assert.include(output, "files: main.js 755 \n")
    assert.strictEqual(
      log,
      "sleep\nsignal --exit-code 0 --reason reference: status 0, see the console output " +
        "--stack prod --resource Group --region eu-west-1\n"
    )
  })

  it("has nothing, ran nothing and says so when the file is another one", async () => {
    await upload(initSaysItsArguments)
    const { log, output, status } = boot(await print(`--sha256=${digest("another")}`, ...signals))
    assert.strictEqual(status, 1, output)
    assert.include(output, `is not the file that was built: its SHA-256 is not ${digest("another")}`)
    assert.include(output, "files: \n")
    assert.notInclude(output, "run as")
    assert.include(log, "signal --exit-code 1")
  })

  it("tries again when S3 does not answer, and gives up in the end", async () => {
    const sha256 = await upload(initSaysItsArguments)
    const once = boot(await print(`--sha256=${sha256}`), { aws: `[ -s "$LOG" ] || exit 1` })
    assert.strictEqual(once.status, 0, once.output)
    assert.strictEqual(once.log, "sleep\n")
    const never = boot(await print(`--sha256=${sha256}`, ...signals), { aws: "exit 1" })
    assert.strictEqual(never.status, 1)
    assert.include(never.output, "gave up after 6 attempts")
    assert.match(never.log, /^(sleep\n){5}signal --exit-code 1 .*\n$/)
  })

  it("fails as init fails", async () => {
    const sha256 = await upload("process.exit(7)")
    const { log, status } = boot(await print(`--sha256=${sha256}`, ...signals))
    assert.strictEqual(status, 7)
    assert.match(log, /^signal --exit-code 7 .*\n$/)
  })

  it("installs Node when told so and there is none, and only then", async () => {
    const sha256 = await upload(initSaysItsArguments)
    const script = await print(`--sha256=${sha256}`, "--node-package=nodejs24")
    const without = boot(script, { node: false })
    assert.deepStrictEqual(
      [without.status, without.log],
      [0, "dnf install --assumeyes --quiet nodejs24\n"],
      without.output
    )
    assert.deepStrictEqual([boot(script).log], [""])
  })

  it("fetches for a task as it does for itself", async () => {
    const sha256 = await upload(initSaysItsArguments)
    const values = { ArtefactBucket: "releases", ArtefactKey: key, "AWS::Region": "eu-west-1" }
    const app = (script: string) => script.replace("get /app", `get "\${LOG%log}app"`)
    const right = boot(app(await fetchScript({ ...values, ArtefactSha256: sha256 })))
    assert.deepStrictEqual([right.status, right.output], [0, "files: main.js 755 \n"])
    const wrong = boot(app(await fetchScript({ ...values, ArtefactSha256: digest("another") })))
    assert.strictEqual(wrong.status, 1)
    assert.include(wrong.output, "files: \n")
  })
})
