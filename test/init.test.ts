import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { beforeAll } from "vitest"
import { bundle as makeBundle } from "../src/bundle.ts"
import { bundle, command } from "./utils/service.ts"
import * as systemdSyntax from "./utils/systemdSyntax.ts"

const traceable = spawnSync("sh", ["-c", "command -v strace"]).status === 0

interface Image {
  readonly root: string
  readonly path: (path: string) => string
  readonly read: (path: string) => string
  readonly init: (
    ...args: ReadonlyArray<string>
  ) => Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>
  readonly initWith: (
    env: Record<string, string>,
    ...args: ReadonlyArray<string>
  ) => Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>
  /** Everything below /etc with what would change if it were touched. */
  readonly etc: () => ReadonlyArray<string>
}

/** The files of a machine that is being built, with a service in /opt/service. */
const image = (service = bundle): Image => {
  const root = mkdtempSync(join(tmpdir(), "keelson-image-"))
  const path = (path: string) => join(root, path)
  for (const directory of ["opt/service", "usr/bin"]) mkdirSync(path(directory), { recursive: true })
  copyFileSync(service, path("/opt/service/main.js"))
  writeFileSync(path("/usr/bin/node"), "", { mode: 0o755 })
  const initWith: Image["initWith"] = (env, ...args) =>
    command(["init", `--root=${root}`, "--node=/usr/bin/node", ...args], { file: path("/opt/service/main.js"), env })
  return {
    root,
    path,
    initWith,
    read: (name) => readFileSync(path(name), "utf8"),
    init: (...args) => initWith({}, ...args),
    etc: () =>
      existsSync(path("/etc"))
        ? readdirSync(path("/etc"), { recursive: true }).map(String).sort().map((name) => {
          const { ctimeMs, ino, mode } = lstatSync(path(join("/etc", name)))
          return `${name} ${mode.toString(8)} ${ino} ${ctimeMs}`
        })
        : []
  }
}

const unitFile = "/etc/systemd/system/reference.service"
const link = "/etc/systemd/system/multi-user.target.wants/reference.service"

const service = (text: string, key: string): ReadonlyArray<string> =>
  (systemdSyntax.read(text)["Service"] ?? []).flatMap(([name, value]) => name === key ? [value] : [])

describe("init", () => {
  it("writes the unit that runs this file, and links it", async () => {
    const { init, path, read } = image()
    const { code, stderr, stdout } = await init()
    assert.deepStrictEqual([code, stdout, stderr], [0, `written ${unitFile}\nlinked ${link}\n`, ""])
    assert.strictEqual(statSync(path(unitFile)).mode & 0o777, 0o644)
    assert.strictEqual(readlinkSync(path(link)), unitFile)
    assert.deepStrictEqual(service(read(unitFile), "ExecStart").map(systemdSyntax.command), [
      ["/usr/bin/node", "/opt/service/main.js", "serve", "--port=8080"]
    ])
  })

  it("touches nothing the second time, and says so", async () => {
    const { etc, init } = image()
    await init("--socket")
    const before = etc()
    assert.isAbove(before.length, 4)
    assert.deepStrictEqual((await init("--socket")).stdout, "nothing to change: reference is installed\n")
    assert.deepStrictEqual(etc(), before)
  })

  it("prints what it would write, and touches nothing", async () => {
    const { etc, init, initWith, read } = image()
    const printed = await initWith({ LOG_LEVEL: "debug" }, "--print", "--user=shop")
    assert.deepStrictEqual([printed.code, printed.stderr, etc()], [0, "", []])
    assert.strictEqual((await initWith({ LOG_LEVEL: "debug" }, "--user=shop")).code, 0)
    assert.strictEqual(printed.stdout, read(unitFile))
    const both = await init("--print", "--socket")
    assert.match(
      both.stdout,
      /^# \/etc\/systemd\/system\/reference\.service\n[^]*\n# \/etc.*\.socket\n[^]*ListenStream=/
    )
  })

  it("says what it would do, and touches nothing", async () => {
    const { etc, init } = image()
    const planned = await init("--dry-run")
    assert.deepStrictEqual([planned.code, planned.stdout, etc()], [
      0,
      `would have written ${unitFile}\nwould have linked ${link}\n`,
      []
    ])
    await init()
    const before = etc()
    assert.include((await init("--dry-run", "--uninstall")).stdout, `would have removed ${unitFile}`)
    assert.strictEqual((await init("--dry-run")).stdout, "the files are as they should be\n")
    assert.deepStrictEqual(etc(), before)
  })

  it("passes its flags and the variables of settings on to serve, and no other", async () => {
    const { init, initWith, read } = image()
    const env = {
      LOG_LEVEL: "debug",
      LAMEDUCK: "100s",
      PORT: "9000",
      AWS_REGION: "eu-west-1",
      DEFAULT_LANGUAGE: "de",
      AWS_SECRET_ACCESS_KEY: "hidden",
      EDITOR: "vi",
      MOTTO: "a b"
    }
    const done = await initWith(
      env,
      "--log-level=warn",
      "--log-group=/ab",
      "--env=MOTTO",
      "--env=X=1=2"
    )
    assert.strictEqual(done.code, 0, done.stderr)
    const text = read(unitFile)
    assert.deepStrictEqual(service(text, "ExecStart").flatMap(systemdSyntax.command).slice(3), [
      "--port=9000",
      "--log-level=warn",
      "--log-group=/ab"
    ])
    assert.deepStrictEqual(service(text, "ExecStartPost").flatMap(systemdSyntax.command).slice(2), [
      "wait-ready",
      "--timeout=60000ms",
      "--port=9000"
    ])
    assert.deepStrictEqual(service(text, "Environment").map(systemdSyntax.assignment), [
      "LAMEDUCK=100s",
      "AWS_REGION=eu-west-1",
      "DEFAULT_LANGUAGE=de",
      "MOTTO=a b",
      "X=1=2"
    ])
    assert.deepStrictEqual(service(text, "TimeoutStopSec"), ["135s"])
    await init("--host=127.0.0.2", "--ready-timeout=5s")
    assert.include(service(read(unitFile), "ExecStartPost").join(), "--timeout=5000ms --host=127.0.0.2 --port=8080")
    assert.deepStrictEqual(service(read(unitFile), "TimeoutStartSec"), ["20s"])
  })

  it("takes a setting given with --env as one of its environment", async () => {
    const { etc, init, read } = image()
    const done = await init("--env=PORT=9000", "--env=LAMEDUCK=300s", "--env=AWS_REGION=eu-west-1")
    assert.strictEqual(done.code, 0, done.stderr)
    const text = read(unitFile)
    for (const key of ["ExecStart", "ExecStartPost"]) assert.include(service(text, key).join(), "--port=9000")
    assert.deepStrictEqual(service(text, "TimeoutStopSec"), ["335s"])
    const before = etc()
    const wrong = await init("--env=LOG_LEVEL=bogus", "--env=DEFAULT_LANGUAGE=la")
    assert.strictEqual(wrong.code, 78)
    assert.include(wrong.stderr, "logLevel is \"bogus\" in environment variable LOG_LEVEL")
    assert.include(wrong.stderr, "DEFAULT_LANGUAGE")
    assert.deepStrictEqual(etc(), before)
  })

  it("grants the one capability that a low port takes, and none to a socket", async () => {
    const { init } = image()
    const capability = async (...args: ReadonlyArray<string>) =>
      service((await init("--print", ...args)).stdout, "CapabilityBoundingSet")
    assert.deepStrictEqual(await capability(), [""])
    assert.deepStrictEqual(await capability("--port=80"), ["CAP_NET_BIND_SERVICE"])
    assert.deepStrictEqual(await capability("--admin-port=90"), ["CAP_NET_BIND_SERVICE"])
    const socket = (await init("--print", "--port=80", "--socket")).stdout.split(
      "# /etc/systemd/system/reference.socket"
    )
    assert.deepStrictEqual(service(socket[0] ?? "", "CapabilityBoundingSet"), [""])
  })

  it("tells all that is wrong at once, before it touches anything", async () => {
    const { etc, init, initWith } = image()
    const wrong = await initWith(
      { LAMEDUCK: "soon", DEFAULT_LANGUAGE: "la" },
      "--name=a.b",
      "--user=:",
      "--port=x",
      "--ready-timeout=never",
      "--env=NOTHING",
      "--env=constructor",
      "--env=AWS_SESSION_TOKEN=x",
      "--env=A=a\nb"
    )
    assert.strictEqual(wrong.code, 78)
    const parts = [
      "--name",
      "--user",
      "\"x\"",
      "--ready-timeout",
      "NOTHING",
      "variable constructor here",
      "AWS_SESSION_TOKEN",
      "line break",
      "\"soon\""
    ]
    for (const part of [...parts, "DEFAULT_LANGUAGE"]) assert.include(wrong.stderr, part)
    for (
      const [args, part] of [
        [["--port=0"], "--port: 0 is any free port"],
        [["--format=upstart"], "--user: upstart makes up no accounts"],
        [["--format=openrc", "--user=shop", "--socket"], "--socket: openrc hands over no sockets"],
        [["--print", "--uninstall"], "--print goes with neither"],
        [["--format=launchd"], "launchd"],
        [["--ready-timeout=0"], "--ready-timeout is \"0\", expected a duration of 1ms or more"]
      ] as const
    ) {
      const { code, stderr } = await init(...args)
      assert.deepStrictEqual([code, stderr.includes(part)], [2, true], stderr)
    }
    assert.deepStrictEqual(etc(), [])
  })

  it("takes no empty directory for the current one", async () => {
    const { code, stderr } = await command(["init", "--dry-run", "--root="])
    assert.deepStrictEqual([code, stderr.split("\n")[0]], [
      2,
      "Missing value for flag --root. Expected: one that is not empty"
    ])
  })

  it("refuses a node that is not there", async () => {
    const { path, root } = image()
    const { code, stderr } = await command(["init", `--root=${root}`, "--node=/nowhere/node"], {
      file: path("/opt/service/main.js")
    })
    assert.deepStrictEqual([code, stderr], [2, `/nowhere/node: no such file in ${root}\n`])
  })

  it("refuses a file that the unit could not see or read, and only warns when it prints", async () => {
    const { init, path } = image()
    for (const place of ["/home/me/main.js", "/root/main.js", "/tmp/main.js", "/opt/private/main.js"]) {
      mkdirSync(dirname(path(place)), { recursive: true, mode: place.includes("private") ? 0o700 : 0o755 })
      copyFileSync(bundle, path(place))
      const run = (...args: ReadonlyArray<string>) =>
        command(["init", `--root=${path("")}`, "--node=/usr/bin/node", ...args], { file: path(place) })
      const refused = await run()
      const reason = place.includes("private") ? "chmod o+x" : "cannot see"
      assert.deepStrictEqual([refused.code, refused.stderr.includes(reason)], [2, true], refused.stderr)
      const printed = await run("--print")
      assert.deepStrictEqual([printed.code, printed.stderr], [0, refused.stderr])
      assert.strictEqual((await run("--user=shop", "--dry-run")).code, place.includes("private") ? 0 : 2)
    }
    symlinkSync("/home/me/main.js", path("/opt/service/linked.js"))
    assert.strictEqual((await init()).code, 0)
  })

  it("takes over no account that is there already, unless told to", async () => {
    const { etc, init, path } = image()
    mkdirSync(path("/etc"))
    writeFileSync(path("/etc/passwd"), "root:x:0:0::/:/bin/sh\nmail:x:8:8::/:/bin/sh\n")
    const before = etc()
    const { code, stderr } = await init("--name=mail")
    assert.deepStrictEqual([code, etc()], [2, before])
    assert.include(stderr, "this machine has an account mail")
    assert.deepStrictEqual((await init("--name=mail", "--print")).stderr, stderr)
    for (const args of [["--name=mail", "--user=mail"], ["--name=mai"]]) {
      assert.strictEqual((await init(...args)).code, 0)
    }
  })

  it("replaces and removes nothing that it did not write", async () => {
    const { init, path, read } = image()
    mkdirSync(path("/etc/systemd/system"), { recursive: true })
    writeFileSync(path(unitFile), "[Service]\nExecStart=/bin/mine\n")
    for (const args of [[], ["--uninstall"]]) {
      const { code, stderr } = await init(...args)
      assert.deepStrictEqual([code, stderr.includes("init did not write this")], [2, true], stderr)
    }
    assert.include(read(unitFile), "/bin/mine")
    symlinkSync("/dev/null", path("/etc/systemd/system/masked.service"))
    assert.strictEqual((await init("--name=masked")).code, 2)
  })

  it("says what it may not write, and exits 73", async () => {
    const { init, path } = image()
    mkdirSync(path("/etc/systemd/system/.reference.service.keelson"), { recursive: true })
    const unwritable = await init()
    assert.deepStrictEqual([unwritable.code, unwritable.stdout], [73, ""])
    assert.include(unwritable.stderr, `${unitFile} cannot be written: `)
    mkdirSync(path("/etc/init.d"))
    writeFileSync(path("/etc/runlevels"), "")
    const unreadable = await init("--format=openrc", "--user=shop")
    assert.deepStrictEqual([unreadable.code, unreadable.stdout], [73, ""])
    assert.include(unreadable.stderr, "the unit cannot be looked at: ENOTDIR")
  })

  it("removes all that it wrote, and no more", async () => {
    const { etc, init } = image()
    await init("--socket", "--name=other")
    const before = etc()
    await init("--socket")
    const { code, stdout } = await init("--uninstall")
    assert.strictEqual(code, 0)
    assert.strictEqual(stdout.match(/^removed /gm)?.length, 4)
    assert.deepStrictEqual(etc().filter((line) => /reference/.test(line)), [])
    assert.deepStrictEqual(etc().map((line) => line.split(" ")[0]), before.map((line) => line.split(" ")[0]))
    assert.strictEqual((await init("--uninstall")).stdout, "nothing to remove: reference is not installed\n")
  })

  it("takes away the socket that is no longer asked for", async () => {
    const { init, path, read } = image()
    await init("--socket")
    await init()
    assert.isFalse(existsSync(path("/etc/systemd/system/reference.socket")))
    assert.notInclude(read(unitFile), "reference.socket")
  })

  it("writes for Upstart and OpenRC too", async () => {
    const { init, path } = image()
    assert.strictEqual((await init("--format=upstart", "--user=shop")).code, 0)
    assert.strictEqual(statSync(path("/etc/init/reference.conf")).mode & 0o777, 0o644)
    assert.strictEqual((await init("--format=openrc", "--user=shop")).code, 0)
    assert.strictEqual(statSync(path("/etc/init.d/reference")).mode & 0o777, 0o755)
    assert.strictEqual(readlinkSync(path("/etc/runlevels/default/reference")), "/etc/init.d/reference")
    await init("--format=upstart", "--uninstall")
    assert.isFalse(existsSync(path("/etc/init/reference.conf")))
  })

  describe.runIf(traceable || process.env["CI"] !== undefined)("killed in the middle", () => {
    it("leaves the old unit or the new one, whole, and the next run puts all right", async () => {
      const { init, path, read, root } = image()
      await init()
      const old = read(unitFile)
      const changed = ["--log-level=debug", "--socket"]
      const next = (await init("--print", ...changed)).stdout
      const killedAt = [["fchmod", 1], ["write", 1], ["fsync", 1], ["rename", 1], ["fsync", 2], ["rename", 2], [
        "symlink",
        1
      ]]
      for (const [call, when] of killedAt) {
        await init()
        assert.strictEqual(read(unitFile), old)
        const killed = ["-f", "-o", "/dev/null", `--inject=${call}:signal=SIGKILL:when=${when}`]
        const again = [process.execPath, path("/opt/service/main.js"), "init", `--root=${root}`, "--node=/usr/bin/node"]
        const traced = spawnSync("strace", [...killed, ...again, ...changed], { env: { PATH: process.env["PATH"] } })
        assert.strictEqual(traced.signal ?? traced.status, "SIGKILL", String(call))
        const found = read(unitFile)
        assert.isTrue(found === old || next.includes(found), `neither old nor new after ${call} ${when}`)
        assert.strictEqual((await init(...changed)).code, 0)
        assert.include(next, read(unitFile))
        const names = readdirSync(path("/etc/systemd/system"), { recursive: true }).map(String)
        assert.deepStrictEqual(names.filter((name) => name.includes("keelson")), [])
      }
    }, 120_000)
  })
})

describe("steps of an app", () => {
  let file = ""
  beforeAll(async () => {
    file = join(mkdtempSync(join(tmpdir(), "keelson-steps-")), "main.js")
    const entry = new URL("../examples/init/main.ts", import.meta.url).pathname
    await makeBundle({ entry, outfile: file, version: "1.1.ab41cd" })
  })

  it("run in their order before the unit is written, and again without harm", async () => {
    const { init, initWith, read } = image(file)
    const done = await initWith({ MAXIMUM_NOTES: "50" })
    assert.strictEqual(done.code, 0, done.stderr)
    assert.match(
      done.stdout,
      /^step "make the directory": done\nstep "reserve room": done\nwritten .*notes\.service\nlinked /
    )
    assert.strictEqual(read("/var/lib/notes/room"), "50\n")
    assert.include(done.stderr, "/var/lib/notes is there")
    const again = await init("--env=MAXIMUM_NOTES=50")
    assert.match(again.stdout, /^step .*: done\nstep .*: done\nnothing to change: notes is installed\n$/)
    assert.strictEqual((await init("--env=MAXIMUM_NOTES=60")).code, 0)
    assert.strictEqual(read("/var/lib/notes/room"), "60\n")
  })

  it("are listed by a dry run, and not run", async () => {
    const { init, path } = image(file)
    const { stdout } = await init("--dry-run")
    assert.match(stdout, /^would run step "make the directory"\nwould run step "reserve room"\nwould have written /)
    assert.isFalse(existsSync(path("/var")))
    await init("--print")
    assert.isFalse(existsSync(path("/var")))
  })

  it("end init when one fails, with its reason, before the unit is there", async () => {
    const { etc, initWith } = image(file)
    const { code, stderr, stdout } = await initWith({ MAXIMUM_NOTES: "5000" })
    assert.strictEqual(code, 1)
    assert.strictEqual(stdout, "step \"make the directory\": done\n")
    assert.include(stderr, "step \"reserve room\" failed: NoRoom: there is no room for 5000 notes")
    assert.deepStrictEqual(etc(), [])
  })

  it("are undone by uninstall", async () => {
    const { init, path } = image(file)
    await init()
    const { stdout } = await init("--uninstall")
    assert.match(stdout, /removed .*\nstep "make the directory": undone\n$/)
    assert.isFalse(existsSync(path("/var/lib/notes")))
  })

  it("put no secret into a unit", async () => {
    const { etc, init, initWith } = image(file)
    for (const refused of [initWith({ PASSWORD: "hunter2" }), init("--env=PASSWORD=hunter2")]) {
      const { code, stderr } = await refused
      assert.strictEqual(code, 78)
      assert.include(stderr, "Password: environment variable PASSWORD is a secret")
      assert.notInclude(stderr, "hunter2")
    }
    assert.deepStrictEqual(etc(), [])
  })
})
