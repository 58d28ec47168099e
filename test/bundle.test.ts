import { assert, describe, it } from "@effect/vitest"
import { execFileSync, spawnSync } from "node:child_process"
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { Script } from "node:vm"
import { brotliDecompressSync, inflateRawSync, zstdDecompressSync } from "node:zlib"
import { bundle, version } from "../src/bundle.ts"

const systemPath = (process.env["PATH"] ?? "").split(":").filter((entry) => !entry.includes("node_modules")).join(":")

const git = (directory: string, ...args: ReadonlyArray<string>) =>
  execFileSync("git", ["-C", directory, "-c", "user.name=a", "-c", "user.email=a@b", ...args], { encoding: "utf8" })

const repository = () => {
  const directory = mkdtempSync(join(tmpdir(), "keelson-git-"))
  git(directory, "init", "--quiet")
  writeFileSync(join(directory, "package.json"), `{"version":"4.2.9"}`)
  writeFileSync(join(directory, "main.ts"), `process.stdout.write("ran\\n")\n`)
  git(directory, "add", ".")
  git(directory, "commit", "--quiet", "-m", "first")
  return directory
}

describe("a version", () => {
  it("is major, minor and six digits of the commit", () => {
    const directory = repository()
    const commit = git(directory, "rev-parse", "HEAD").slice(0, 6)
    assert.strictEqual(version(directory), `4.2.${commit}`)
  })

  it("says that there are changes, also where a file is only new", () => {
    const directory = repository()
    writeFileSync(join(directory, "new.ts"), "")
    assert.match(version(directory), /^4\.2\.[0-9a-f]{6}\+CHANGES$/)
  })

  it("cannot be made up without git: the build fails and says what to do", () => {
    const directory = mkdtempSync(join(tmpdir(), "keelson-none-"))
    writeFileSync(join(directory, "main.ts"), "")
    assert.throws(() => version(directory), /is not a git work tree with a commit.*--version 1\.1\.ab41cd/)
    const command = new URL("../src/bin/keelson-bundle.ts", import.meta.url).pathname
    const { status, stderr } = spawnSync(
      process.execPath,
      [command, join(directory, "main.ts"), join(directory, "out.js")],
      { encoding: "utf8", env: { ...process.env, GIT_CEILING_DIRECTORIES: tmpdir() } }
    )
    assert.strictEqual(status, 1)
    assert.match(stderr, /^No version: /)
  })
})

describe("a bundle", () => {
  it("is one file that prints the version without running, and runs otherwise", async () => {
    const directory = repository()
    const outfile = join(directory, "out", "main.js")
    const built = await bundle({ entry: join(directory, "main.ts"), outfile })
    const run = (...args: ReadonlyArray<string>) =>
      spawnSync(process.execPath, [outfile, ...args], { encoding: "utf8" }).stdout
    assert.strictEqual(run("-v"), `${built.version}\n`)
    assert.strictEqual(run("--version"), `${built.version}\n`)
    assert.strictEqual(run(), "ran\n")
  })

  it("is made under the Node of the PATH, by the package's own command", () => {
    const directory = repository()
    const outfile = join(directory, "out.js")
    const command = fileURLToPath(new URL("../dist/lib/bin/keelson-bundle.js", import.meta.url))
    const made = spawnSync("node", [command, join(directory, "main.ts"), outfile], {
      encoding: "utf8",
      env: { ...process.env, PATH: systemPath }
    })
    assert.deepStrictEqual([made.status, made.stderr.includes("It brings no compiled code")], [0, true], made.stderr)
    assert.strictEqual(spawnSync(process.execPath, [outfile], { encoding: "utf8" }).stdout, "ran\n")
  })

  it("names what to install where there is nothing to bundle with", () => {
    const alone = mkdtempSync(join(tmpdir(), "keelson-alone-"))
    const library = fileURLToPath(new URL("../dist/lib", import.meta.url))
    cpSync(library, alone, { recursive: true })
    writeFileSync(join(alone, "package.json"), `{"type":"module"}`)
    mkdirSync(join(alone, "node_modules"))
    symlinkSync(join(library, "../../node_modules/@jridgewell"), join(alone, "node_modules/@jridgewell"))
    const args = ["bin/keelson-bundle.js", "main.ts", "out.js", "--version", "1.1.ab41cd"]
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: alone, encoding: "utf8" })
    assert.deepStrictEqual([status, stderr], [1, "The file is made with rolldown: npm install --save-dev rolldown\n"])
  })

  it("takes a version that is given", async () => {
    const directory = repository()
    const outfile = join(directory, "main.js")
    await bundle({ entry: join(directory, "main.ts"), outfile, version: "1.1.ab41cd" })
    assert.strictEqual(spawnSync(process.execPath, [outfile, "-v"], { encoding: "utf8" }).stdout, "1.1.ab41cd\n")
  })

  it("brings what V8 compiled for a start, of a service that is not run for it, in less than 1 MB", async () => {
    const directory = repository()
    const [marker, entry, outfile] = ["built", "service.ts", "main.js"].map((name) => join(directory, name)) as [
      string,
      string,
      string
    ]
    const microservice = new URL("../src/layers/Microservice.ts", import.meta.url).pathname
    writeFileSync(
      entry,
      `import { Effect, Layer } from "${import.meta.resolve("effect").slice(7)}"
import { HttpApi } from "${import.meta.resolve("effect/http-api").slice(7)}"
import { writeFileSync } from "node:fs"
import { run } from "${microservice}"
run({
  name: "marked",
  api: HttpApi.make("marked"),
  handlers: Layer.effectDiscard(Effect.sync(() => writeFileSync(${JSON.stringify(marker)}, "")))
})
`
    )
    await bundle({ entry, outfile, version: "1.1.ab41cd" })
    assert.isFalse(existsSync(marker))

    const text = readFileSync(outfile, "utf8")
    const [, first = "", body = ""] = /function kept\(\) \{\n\/\*(.*?)\*\/\/\*(.*)\*\/\n/s.exec(text) ?? []
    interface Packed {
      readonly place: readonly [from: number, to: number]
      readonly sizes: Readonly<Record<string, number>>
    }
    const { compiled, groups, start } = JSON.parse(first) as {
      readonly compiled: Packed
      readonly groups: ReadonlyArray<Packed>
      readonly start: Packed
    }
    const bytesOf = ({ place: [from, to] }: Packed) => Buffer.from(body.slice(from, to), "base64")
    const code = inflateRawSync(bytesOf(start)).toString()
    assert.deepStrictEqual(Object.keys(compiled.sizes), ["main.js", "rolldown-runtime.js"])
    assert.strictEqual(code.length, Object.values(start.sizes).reduce((sum, size) => sum + size))
    const dictionary = Buffer.from(code)
    const cachedData = zstdDecompressSync(bytesOf(compiled), { dictionary }).subarray(0, compiled.sizes["main.js"])
    const script = `(function(exports, require, module, __KEELSON_BUNDLE__, __filename, __dirname) {\n${
      code.slice(0, start.sizes["main.js"])
    }\n})`
    assert.isFalse(new Script(script, { cachedData, lineOffset: -1 }).cachedDataRejected)
    // A text of a function that is called for settings of an app's own alone, which most services have.
    assert.isTrue(cachedData.includes("$1<redacted>@"))

    // Of AWS's clients it has what is sent alone, and all of it is no larger than promised.
    const later = groups.map((group) => brotliDecompressSync(bytesOf(group)).toString()).join("")
    assert.include(later, "DescribeStacks")
    assert.notInclude(later, "CreateStackSet")
    assert.isBelow(text.length, 1_000_000)
  })

  it("gives back code that could not stand in a comment", async () => {
    const directory = repository()
    const [entry, outfile] = [join(directory, "main.ts"), join(directory, "main.js")]
    const awkward = ["*/", "*…/", "é", "\\", "*", "/", "`$", "\u2028\r\n", "😀*/*/…", "//", "/*"]
    writeFileSync(
      entry,
      `process.stdout.write(JSON.stringify(${JSON.stringify(awkward)}))\n`
    )
    await bundle({ entry, outfile, version: "1.1.ab41cd", compile: false })
    assert.deepStrictEqual(JSON.parse(spawnSync(process.execPath, [outfile], { encoding: "utf8" }).stdout), awkward)
    assert.match(readFileSync(outfile, "utf8"), /^[\0-\x7e]*$/)
  })

  it("runs code with names, patterns and templates that are not ASCII, at once and when it is imported", async () => {
    const directory = repository()
    const at = (name: string) => join(directory, name)
    const words = (name: string) =>
      `import data from "./data.json" with { type: "json" }
const raw = (texts: TemplateStringsArray) => texts.raw.join()
class Ünit { ${name} = 5; #ñ = 7; get ñ() { return this.#ñ } }
const 长 = (text: string) => [/^[äöü]+$/.test(text), /[а-я]+/giu.exec("ab привет")?.[0], /😀{2}/u.test("😀😀")]
export const said = [长("äö"), new Ünit(), new Ünit().ñ, raw\`é\\n…\`, String.raw\`C:\\é\`, Object.keys(data)]
`
    writeFileSync(at("data.json"), JSON.stringify({ "é😀": 1, ключ: 2 }))
    writeFileSync(at("lazy.ts"), words("höhe"))
    const later = `import("./lazy.ts").then((lazy) => process.stdout.write(JSON.stringify([said, lazy.said])))`
    writeFileSync(at("main.ts"), words("größe") + later)
    await bundle({ entry: at("main.ts"), outfile: at("main.js"), version: "1.1.ab41cd" })
    const run = (node: string) => spawnSync(node, [at("main.js")], { encoding: "utf8" }).stdout
    const saidBy = (name: string) => [[true, "привет", true], { [name]: 5 }, 7, "é\\n…", "C:\\é", ["é😀", "ключ"]]
    for (const node of [process.execPath, "/usr/bin/node"].filter((node) => existsSync(node))) {
      assert.deepStrictEqual(JSON.parse(run(node)), ["größe", "höhe"].map(saidBy))
    }
  })

  it("has the modules of Node that only node: names", async () => {
    const directory = repository()
    const [entry, outfile] = [join(directory, "main.ts"), join(directory, "main.js")]
    writeFileSync(
      entry,
      `import { isSea } from "node:sea"
import test from "node:test"
process.stdout.write(JSON.stringify([isSea(), typeof test]))
`
    )
    await bundle({ entry, outfile, version: "1.1.ab41cd", compile: false })
    assert.strictEqual(spawnSync(process.execPath, [outfile], { encoding: "utf8" }).stdout, `[false,"function"]`)
  })

  it("has of a module of Node what is used of it, the module itself, and nothing that it loads for others", async () => {
    const directory = repository()
    const at = (name: string) => join(directory, name)
    const loaded = `process.moduleLoadList.filter((name) => /fs\\/(dir|promises)/.test(name))`
    writeFileSync(
      at("plain.cjs"),
      `process.getBuiltinModule("node:fs").existsSync("/")\nprocess.stdout.write(JSON.stringify(${loaded}))\n`
    )
    writeFileSync(
      at("main.ts"),
      `import fs, { existsSync, promises, ReadStream } from "node:fs"
import * as path from "node:path"
import process, { argv } from "node:process"
const before = [existsSync("/"), ${loaded}]
const patched = Object.assign(fs, { patched: true }) === process.getBuiltinModule("fs")
const stream = fs.createReadStream("/dev/null")
const name = ["jo", "in"].join("")
Promise.all([import("node:fs"), promises.stat("/")]).then(([later, stat]) => {
  const seen = [later.default === fs, later.existsSync === existsSync, "patched" in later, stat.isDirectory()]
  process.stdout.write(JSON.stringify([before, patched, stream instanceof ReadStream, path[name]("a", "b"), argv === process.argv, seen]))
})
`
    )
    await bundle({ entry: at("main.ts"), outfile: at("main.js"), version: "1.1.ab41cd", compile: false })
    const run = (file: string) =>
      JSON.parse(spawnSync(process.execPath, [at(file)], { encoding: "utf8" }).stdout) as unknown
    assert.deepStrictEqual(run("main.js"), [[true, run("plain.cjs")], true, true, join("a", "b"), true, [
      true,
      true,
      true,
      true
    ]])
  })

  it("shows what a module of Node has that it loads when it is used", async () => {
    const directory = repository()
    const at = (name: string) => join(directory, name)
    writeFileSync(
      at("required.cjs"),
      `const zlib = require("node:zlib")
const copied = {}
for (const key of Object.getOwnPropertyNames(zlib)) copied[key] = zlib[key]
exports.said = ["gzip" in zlib, "none" in zlib, Object.keys(zlib).includes("constants"), typeof copied.gzip]
zlib.patched = true
`
    )
    writeFileSync(
      at("main.ts"),
      `import * as crypto from "node:crypto"
import zlib from "node:zlib"
import { said } from "./required.cjs"
const imported = ["webcrypto" in crypto, "none" in crypto, "gzip" in zlib]
process.stdout.write(JSON.stringify([imported, said, process.getBuiltinModule("zlib").patched]))
`
    )
    await bundle({ entry: at("main.ts"), outfile: at("main.js"), version: "1.1.ab41cd", compile: false })
    const { stdout } = spawnSync(process.execPath, [at("main.js")], { encoding: "utf8" })
    assert.deepStrictEqual(JSON.parse(stdout), [[true, false, true], [true, false, true, "function"], true])
  })

  it("loads a module of Node that takes long when something of it is used", async () => {
    const directory = repository()
    const at = (name: string) => join(directory, name)
    writeFileSync(at("required.cjs"), `exports.tls = require("tls")\n`)
    writeFileSync(
      at("main.mts"),
      `import * as imported from "node:tls"
import { tls } from "./required.cjs"
const loaded = () => process.moduleLoadList.includes("NativeModule tls")
process.stdout.write(JSON.stringify([loaded(), typeof imported.connect, typeof tls.connect, loaded()]))
`
    )
    await bundle({ entry: at("main.mts"), outfile: at("main.js"), version: "1.1.ab41cd", compile: false })
    const { stdout } = spawnSync(process.execPath, [at("main.js")], { encoding: "utf8" })
    assert.deepStrictEqual(JSON.parse(stdout), [false, "function", "function", true])
  })

  it("finds modules of Node by computed names, and says of others that they are not found", async () => {
    const directory = repository()
    const at = (name: string) => join(directory, name)
    writeFileSync(
      at("required.cjs"),
      `exports.said = ["o" + "s", "node:" + "os", "absent"].map((name) => {
  try {
    return typeof require(name).hostname
  } catch (error) {
    return error.code
  }
})
try {
  require("absent-one")
} catch (error) {
  exports.said.push(error.code)
}
`
    )
    writeFileSync(
      at("main.ts"),
      `import { said } from "./required.cjs"
const seen = [import(["node:", "os"].join("")), import("node:sea"), import(["absent", "two"].join("-"))].map((imported) =>
  imported.then((module) => typeof module, (error) => error.code)
)
Promise.all(seen).then((imported) => process.stdout.write(JSON.stringify([said, imported])))
`
    )
    await bundle({ entry: at("main.ts"), outfile: at("main.js"), version: "1.1.ab41cd", compile: false })
    const { stdout } = spawnSync(process.execPath, [at("main.js")], { encoding: "utf8" })
    assert.deepStrictEqual(JSON.parse(stdout), [
      ["function", "function", "MODULE_NOT_FOUND", "MODULE_NOT_FOUND"],
      ["object", "object", "MODULE_NOT_FOUND"]
    ])
  })

  it("tells modules where they are: all in the file, of which the entry is run", async () => {
    const directory = repository()
    const at = (name: string) => join(directory, name)
    writeFileSync(at("required.cjs"), "exports.said = [__filename, __dirname]\n")
    writeFileSync(
      at("later.ts"),
      `import { fileURLToPath } from "node:url"
const __filename = fileURLToPath(import.meta.url)
export const said = [__filename, import.meta.filename, import.meta.main]
`
    )
    writeFileSync(
      at("main.ts"),
      `import { createRequire } from "node:module"
import { said } from "./required.cjs"
const version = createRequire(import.meta.url)("../package.json").version
const own = [import.meta.dirname, new URL("more", import.meta.url).href, import.meta.main, version]
import("./later.ts").then((later) => process.stdout.write(JSON.stringify([said, own, later.said])))
`
    )
    const folder = at("a b")
    const outfile = join(folder, "main.js")
    await bundle({ entry: at("main.ts"), outfile, version: "1.1.ab41cd", compile: false })
    const said = [
      [outfile, folder],
      [folder, pathToFileURL(join(folder, "more")).href, true, "4.2.9"],
      [outfile, outfile, false]
    ]
    for (const type of ["commonjs", "module"]) {
      writeFileSync(join(folder, "package.json"), JSON.stringify({ type }))
      const { stdout } = spawnSync(process.execPath, ["main.js"], { cwd: folder, encoding: "utf8" })
      assert.deepStrictEqual(JSON.parse(stdout), said)
    }
  })

  it("is not made where an import is not there, and the build says so of each", async () => {
    const directory = repository()
    const at = (name: string) => join(directory, name)
    writeFileSync(
      at("main.ts"),
      `import one from "absent-one"
console.log(one)
import("./later.ts")
`
    )
    writeFileSync(
      at("later.ts"),
      `import { two } from "absent-two"
console.log(two)
`
    )
    const command = new URL("../src/bin/keelson-bundle.ts", import.meta.url).pathname
    const { status, stderr } = spawnSync(
      process.execPath,
      [command, at("main.ts"), at("main.js"), "--version", "1.1.ab41cd"],
      { encoding: "utf8" }
    )
    assert.strictEqual(status, 1)
    assert.match(stderr, /main\.ts imports absent-one, which is not there: install it, or .*$/m)
    assert.match(stderr, /later\.ts imports absent-two, which is not there: install it, or .*$/m)
    assert.isFalse(existsSync(at("main.js")))
  })

  it("has stacks as they are, of what happens while it loads, too", async () => {
    const directory = repository()
    const [entry, outfile] = [join(directory, "main.ts"), join(directory, "main.js")]
    writeFileSync(
      entry,
      `import { Effect } from "${import.meta.resolve("effect").slice(7)}"
function failing(message?: string) {
  return new Error(message).stack
}
const early = failing("as it loads")
function short() {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 1
  const stack = failing()
  Error.stackTraceLimit = stackTraceLimit
  return stack
}
const probe = short()
setImmediate(() => process.stdout.write(JSON.stringify({ early, probe, late: short(), named: Effect.runSync(stack) })))
const stack = Effect.map(Effect.void, function mapped() {
  return new Error("in a fiber").stack
})
`
    )
    await bundle({ entry, outfile, version: "1.1.ab41cd", compile: false })
    const { stdout } = spawnSync(process.execPath, [outfile], { encoding: "utf8" })
    const { early, late, named, probe } = JSON.parse(stdout) as Record<string, string>
    const place = /main\.js\/main\.js:\d+:\d+/
    assert.match(early ?? "", /^Error: as it loads\n    at \w+ \(/)
    for (const stack of [early, late, named]) assert.match(stack ?? "", place)
    // What libraries ask for the name of a frame alone has no place, which takes V8 long to find.
    assert.match(probe ?? "", /^Error\n    at \w+ \[as \w+\]$/)
  })

  it("runs a part again that failed when it was imported before", async () => {
    const directory = repository()
    const at = (name: string) => join(directory, name)
    writeFileSync(at("later.ts"), `if (process.argv.length < 4) throw new Error("not yet")\nexport const value = 1\n`)
    writeFileSync(
      at("main.ts"),
      `const once = () => import("./later.ts").then(({ value }) => value, (error) => error.message)
const main = async () => {
  const said = [await once(), await once()]
  process.argv.push("more")
  process.stdout.write(JSON.stringify([...said, await once()]))
}
main()
`
    )
    await bundle({ entry: at("main.ts"), outfile: at("main.js"), version: "1.1.ab41cd", compile: false })
    const { stdout } = spawnSync(process.execPath, [at("main.js"), "2"], { encoding: "utf8" })
    assert.deepStrictEqual(JSON.parse(stdout), ["not yet", "not yet", 1])
  })

  it("has no compiled code, and imports nothing, where none is wanted", async () => {
    const directory = repository()
    const [entry, outfile, marker] = ["main.ts", "main.js", "ran"].map((name) => join(directory, name)) as [
      string,
      string,
      string
    ]
    writeFileSync(entry, `import { writeFileSync } from "node:fs"\nwriteFileSync(${JSON.stringify(marker)}, "")\n`)
    const build = async () => {
      await bundle({ entry, outfile, version: "1.1.ab41cd", compile: false })
      return readFileSync(outfile, "utf8")
    }
    assert.strictEqual(await build(), await build())
    assert.isFalse(existsSync(marker))
  })

  it("is not made of flags that are not known: the command says which, and its usage", () => {
    const command = new URL("../src/bin/keelson-bundle.ts", import.meta.url).pathname
    const { status, stderr } = spawnSync(process.execPath, [command, "--foo"], { encoding: "utf8" })
    assert.strictEqual(status, 2)
    assert.match(stderr, /^Unknown option '--foo'.*\nUsage: keelson-bundle <entry\.ts> <outfile\.js> /)
  })

  it("says that it brings no compiled code, where the entry serves nothing", () => {
    const directory = repository()
    const [entry, outfile] = [join(directory, "main.ts"), join(directory, "main.js")]
    const command = new URL("../src/bin/keelson-bundle.ts", import.meta.url).pathname
    const said = (...flags: ReadonlyArray<string>) =>
      spawnSync(process.execPath, [command, entry, outfile, "--version", "1.1.ab41cd", ...flags], { encoding: "utf8" })
    assert.match(said().stderr, /^It brings no compiled code, and starts slower: the entry served nothing/)
    assert.strictEqual(said("--no-compile").stderr, "")
    assert.strictEqual(said().status, 0)
  })

  it("lets an entry write nothing while it is built", async () => {
    const directory = repository()
    const [entry, marker] = [join(directory, "main.ts"), join(directory, "ran")]
    writeFileSync(entry, `import { writeFileSync } from "node:fs"\nwriteFileSync(${JSON.stringify(marker)}, "")\n`)
    const outfile = join(directory, "main.js")
    await bundle({ entry, outfile, version: "1.1.ab41cd" })
    assert.isFalse(existsSync(marker))
    spawnSync(process.execPath, [outfile])
    assert.isTrue(existsSync(marker))
  })
})
