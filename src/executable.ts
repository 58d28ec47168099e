import { execFileSync } from "node:child_process"
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync
} from "node:fs"
import { createRequire } from "node:module"
import { dirname, join, resolve } from "node:path"

/**
 * What {@link executable} makes a program of: a file of {@link bundle}, and a Node for the machine it is for.
 *
 * `node` is the Node that runs the build, if not given. It must run on this machine. `allow` is what the program may do
 * besides, such as `child` for one that starts others. Workers may do all of {@link permissions}: Node's rule.
 *
 * @category models
 * @since 1.1.0
 */
export interface ExecutableOptions {
  readonly bundle: string
  readonly outfile: string
  readonly node?: string | undefined
  readonly allow?: ReadonlyArray<Permission> | undefined
}

/**
 * What only `init` may do, in Node's words: write files, start other programs, start workers.
 *
 * @category constants
 * @since 1.1.0
 */
export const permissions = ["fs.write", "child", "worker"] as const

/**
 * One of {@link permissions}.
 *
 * @category models
 * @since 1.1.0
 */
export type Permission = typeof permissions[number]

/**
 * Puts a bundle and a Node into one executable file, which needs nothing else on the machine. On Linux, for Linux. Throws
 * where that Node cannot be sealed (24.21 can), or where the package `postject` is not installed, naming what to do.
 *
 * **Details**
 *
 * Node's flags are sealed: neither `NODE_OPTIONS` nor the command line changes them. But for its command `init`, the
 * program can write no file, and start no other program and no worker. It starts with what the bundle compiled, where
 * `node` is the one that built it.
 *
 * @category build
 * @since 1.1.0
 * @example
 * ```ts
 * await bundle({ entry: "src/main.ts", outfile: "dist/main.js" })
 * executable({ bundle: "dist/main.js", outfile: "dist/main" })
 * ```
 */
export const executable = (
  { allow = [], bundle, node = process.execPath, outfile }: ExecutableOptions
): { readonly bytes: number } => {
  if (process.platform !== "linux") throw new Error("Executables are made on Linux, for Linux: use a container")
  const code = readFileSync(bundle, "utf8").replace(/^#!.*\n/, "")
  if (!code.includes("__KEELSON_BUNDLE__")) {
    throw new Error(`${bundle} is no bundle of this keelson: make it with keelson-bundle`)
  }
  const execArgv = sealOf(node)
  mkdirSync(dirname(outfile), { recursive: true })
  // Beside the result, which so appears at once and whole, even over a program that runs.
  const work = mkdtempSync(join(resolve(dirname(outfile)), ".executable-"))
  const at = (name: string) => join(work, name)
  try {
    writeFileSync(at("main.cjs"), `${start(permissions.filter((permission) => !allow.includes(permission)))}${code}`)
    const config = {
      main: at("main.cjs"),
      output: at("blob"),
      disableExperimentalSEAWarning: true,
      useCodeCache: true,
      execArgv,
      execArgvExtension: "none"
    }
    writeFileSync(at("sea.json"), JSON.stringify(config))
    run(node, "--experimental-sea-config", at("sea.json"))
    copyFileSync(node, at("main"))
    run(process.execPath, postject(), at("main"), "NODE_SEA_BLOB", at("blob"), "--sentinel-fuse", fuse)
    const [wanted, said] = [run(node, bundle, "-v"), run(at("main"), "-v")]
    if (said !== wanted) throw new Error(`the executable says that it is ${said}, the bundle that it is ${wanted}`)
    renameSync(at("main"), outfile)
    return { bytes: statSync(outfile).size }
  } finally {
    rmSync(work, { recursive: true })
  }
}

const run = (program: string, ...args: ReadonlyArray<string>): string =>
  execFileSync(program, args, { encoding: "utf8", env: {}, stdio: ["ignore", "pipe", "pipe"] })

// https://nodejs.org/docs/latest-v24.x/api/single-executable-applications.html
const fuse = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2"

const postject = (): string => {
  try {
    return createRequire(import.meta.url).resolve("postject/dist/cli.js")
  } catch (cause) {
    throw new Error("An executable is made with postject: npm install --save-dev postject", { cause })
  }
}

const seal = ["--permission", "--allow-fs-read=*", "--allow-inspector"]

// Profiles take the inspector, which Node warns of; the sealed program opens no port for it.
const quiet = ["PERM0002", "PERM0004", "PERM0006"].map((code) => `--disable-warning=${code}`)

const sealOf = (node: string): ReadonlyArray<string> => {
  let flags: ReadonlyArray<string> = []
  try {
    const probe = "process.permission.drop('fs.write'), JSON.stringify([...process.allowedNodeEnvironmentFlags])"
    flags = JSON.parse(run(node, ...seal, ...quiet, "-p", probe)) as ReadonlyArray<string>
  } catch (cause) {
    throw unsealable(node, cause)
  }
  if (!readFileSync(node).includes("execArgvExtension")) throw unsealable(node)
  const known = ["--disable-sigusr1", "--allow-net"].filter((flag) => flags.includes(flag))
  // Node 26 calls it experimental, at every start.
  if (known.includes("--allow-net")) known.push("--disable-warning=ExperimentalWarning")
  return [...seal, ...known, ...quiet, "--allow-fs-write=*", "--allow-child-process", "--allow-worker"]
}

const unsealable = (node: string, cause?: unknown) =>
  new Error(`${node} cannot be made a sealed executable: build with Node 24.21 or later, or name one with --node`, {
    cause
  })

// A worker has what the flags allow, whatever was dropped: so workers are dropped too.
const start = (dropped: ReadonlyArray<Permission>) =>
  `if (process.argv[2] !== "init") for (const scope of ${JSON.stringify(dropped)}) process.permission.drop(scope);\n`
