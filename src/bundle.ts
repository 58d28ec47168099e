import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { builtinModules, isBuiltin } from "node:module"
import { dirname, extname, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import type { OutputChunk, Plugin } from "rolldown"
import { ascii } from "./bundle/Ascii.ts"
import { denseMap } from "./bundle/DenseMap.ts"
import { probeEntry, render } from "./bundle/Launcher.ts"
import { rehearse } from "./bundle/Rehearsal.ts"

/**
 * What {@link bundle} makes one file of.
 *
 * `version` is stamped into the file; without it {@link version} asks package.json and git.
 *
 * @category models
 * @since 1.1.0
 */
export interface BundleOptions {
  readonly entry: string
  readonly outfile: string
  readonly version?: string | undefined
  /**
   * `false` leaves out the compiled code, and does not import the entry: the file is smaller, always the same bytes, and
   * starts slower.
   */
  readonly compile?: boolean | undefined
}

/**
 * What {@link bundle} made. `compiled` tells whether it brings what V8 compiled for a start.
 *
 * @category models
 * @since 1.1.0
 */
export interface Bundle {
  readonly version: string
  readonly bytes: number
  readonly compiled: boolean
}

/**
 * Bundles a service into one file that runs alone, as CommonJS or as a module, on Node 20.20 and later.
 *
 * **Details**
 *
 * The file holds its code as text and compiles a part when it is first imported, so `--version` answers before
 * anything else is even parsed. It holds its source map too, which profiles are named by, and what V8 compiled for a
 * start: the same Node on the same kind of machine as the build's starts with it, others as if it were not there. For
 * that the build imports the entry once. Fails where the package `rolldown` is not installed, naming what to do.
 *
 * @category build
 * @since 1.1.0
 * @example
 * ```ts
 * await bundle({ entry: "src/main.ts", outfile: "dist/main.js" })
 * ```
 */
export const bundle = async (options: BundleOptions): Promise<Bundle> => {
  const stamp = options.version ?? version(dirname(resolve(options.entry)))
  const [{ rolldown }, { parseAst }] = await bundler()
  const absent: Array<string> = []
  const build = await rolldown({
    input: { main: options.entry, [probeEntry]: besides("./layers/HealthProbe") },
    platform: "node",
    plugins: [lazyBuiltins, awsModules, mainOfEntry, findAbsent(absent)],
    optimization: { pifeForModuleWrappers: false, inlineConst: { mode: "all", pass: 3 } },
    // What is read and never used is left out, and what it was read from: a tenth of a start's code.
    treeshake: { propertyReadSideEffects: false },
    transform: { target: "node20.20", define: { ...importMeta, __KEELSON_VERSION__: JSON.stringify(stamp) } }
  })
  const { output } = await build.generate({
    format: "cjs",
    minify: true,
    chunkFileNames: "[name].js",
    // The launcher loads what is imported by a computed name, as what is required by one.
    dynamicImportInCjs: false,
    comments: { annotation: false, jsdoc: false },
    sourcemap: "hidden",
    topLevelVar: true,
    // What a start needs is one script: V8 compiles, and reads what it compiled, faster than in twenty.
    codeSplitting: { groups: [{ name: "start", tags: ["$initial"], test: (id) => !ofProbe.test(id) }] }
  })
  if (absent.length > 0) throw new Error(absent.join("\n"))
  const chunks = output.flatMap((part) => part.type === "chunk" ? [part] : [])
  const plain = importedBy(`${probeEntry}.js`, chunks)
  const start = [...importedBy("main.js", chunks)].filter((name) => !plain.has(name))
  const code = Object.fromEntries(chunks.map(({ code, fileName }) => [fileName, ascii(code, parseAst)]))
  const later = chunks.filter(({ fileName }) => !start.includes(fileName) && !plain.has(fileName))
  const parts = {
    version: stamp,
    code,
    plain: [...plain],
    start,
    groups: [later.filter(ofAws), later.filter((chunk) => !ofAws(chunk))].flatMap(grouped),
    map: denseMap(
      chunks.flatMap(({ code: unescaped, fileName: name, map }) =>
        map === null ? [] : [{ name, code: unescaped, kept: code[name] ?? "", map }]
      )
    )
  }
  const compiled = options.compile === false ? undefined : await rehearse(parts)
  const text = render(parts, { compiled })
  mkdirSync(dirname(options.outfile), { recursive: true })
  writeFileSync(options.outfile, text, { mode: 0o755 })
  return { version: stamp, bytes: text.length, compiled: compiled !== undefined }
}

const bundler = async () => {
  try {
    return await Promise.all([import("rolldown"), import("rolldown/parseAst")])
  } catch (cause) {
    throw new Error("The file is made with rolldown: npm install --save-dev rolldown", { cause })
  }
}

/**
 * The version of a work tree: major and minor of package.json, the first six digits of the commit, `+CHANGES` when
 * anything is not committed. Throws where git cannot tell, naming what to do.
 *
 * @category build
 * @since 1.1.0
 */
export const version = (directory: string): string => {
  const git = (...args: ReadonlyArray<string>) =>
    execFileSync("git", ["-C", directory, ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim()
  let top: string, commit: string, changes: string
  try {
    top = git("rev-parse", "--show-toplevel")
    commit = git("rev-parse", "HEAD")
    changes = git("status", "--porcelain")
  } catch (cause) {
    throw new Error(
      `No version: ${directory} is not a git work tree with a commit, or git is not installed. ` +
        `Build from a clone, or say the version: --version 1.1.ab41cd`,
      { cause }
    )
  }
  const [major = "0", minor = "0"] = packageVersion(directory, top).split(".")
  return `${major}.${minor}.${commit.slice(0, 6)}${changes === "" ? "" : "+CHANGES"}`
}

const packageVersion = (directory: string, top: string): string => {
  for (let folder = directory;; folder = dirname(folder)) {
    try {
      const { version } = JSON.parse(readFileSync(resolve(folder, "package.json"), "utf8")) as { version?: string }
      if (version !== undefined) return version
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause
    }
    if (folder === top || folder === dirname(folder)) {
      throw new Error(`No version: there is no package.json with a version between ${directory} and ${top}`)
    }
  }
}

const ofProbe = /[\\/]HealthProbe\.[jt]s$/

const importedBy = (name: string, chunks: ReadonlyArray<OutputChunk>, found = new Set<string>()): Set<string> => {
  if (found.has(name)) return found
  const chunk = chunks.find(({ fileName }) => fileName === name)
  if (chunk === undefined) return found
  found.add(name)
  for (const imported of chunk.imports) importedBy(imported, chunks, found)
  return found
}

// A chunk that is asked for is unpacked with what is compressed with it: little of what another command needs.
const grouped = (chunks: ReadonlyArray<OutputChunk>): ReadonlyArray<ReadonlyArray<string>> => {
  const groups: Array<Array<string>> = []
  let room = 0
  for (const { code, fileName } of chunks) {
    if (code.length > room) {
      groups.push([])
      room = largestGroup
    }
    groups.at(-1)?.push(fileName)
    room -= code.length
  }
  return groups
}

const largestGroup = 512 * 1024

const ofAws = ({ moduleIds }: OutputChunk) =>
  moduleIds.some((id) => /[\\/]node_modules[\\/]@(aws-sdk|smithy)[\\/]/.test(id))

const builtins = new Set(builtinModules)
const lazyBuiltin = "\0lazy-builtin"

// Those that take long to load, or that no start needs, and that are used in no request of most services.
const heavy = new Set([
  "child_process",
  "crypto",
  "dns",
  "https",
  "inspector",
  "os",
  "readline",
  "tls",
  "tty",
  "v8",
  "worker_threads",
  "zlib"
])

// What a heavy one is until something of it is first used.
const lazyBuiltinCode = `module.exports = (name) => {
  const get = () => process.getBuiltinModule(name);
  return new Proxy({}, {
    get: (_, key) => get()[key],
    set: (_, key, value) => Reflect.set(get(), key, value),
    has: (_, key) => key in get()
  });
}`

// Importing a heavy one asks for its own keys at once, and must find none; who requires it asks when they are wanted.
const builtinModule = (id: string): string | null => {
  if (id === lazyBuiltin) return lazyBuiltinCode
  const [, how, name = ""] = /^\0(imported|inherited|required):(.*)/.exec(id) ?? []
  if (how === undefined) return null
  const get = `process.getBuiltinModule("node:${name}")`
  if (how === "inherited") return `module.exports = Object.create(${get})`
  if (!heavy.has(name)) return how === "required" ? `module.exports = ${get}` : reexported(name, get)
  const lazy = `require(${JSON.stringify(lazyBuiltin)})("${name}")`
  if (how === "imported") return `module.exports = Object.create(${lazy})`
  return `module.exports = new Proxy(${lazy}, {
  ownKeys: () => Reflect.ownKeys(${get}),
  getOwnPropertyDescriptor: (_, key) => {
    const property = Reflect.getOwnPropertyDescriptor(${get}, key);
    return property && { ...property, configurable: true };
  }
})`
}

// What is used of a light one is read when its part starts, and nothing else is: copies of all are felt in a start. What
// has a getter may load more, and is read where it is used.
const reexported = (name: string, get: string): string => {
  const descriptors = Object.entries(Object.getOwnPropertyDescriptors(process.getBuiltinModule(`node:${name}`) ?? {}))
    .filter(([key]) => key !== "default" && /^[A-Za-z_$][\w$]*$/.test(key))
  const keysOf = (getter: boolean) => descriptors.filter(([, { get }]) => !get !== getter).map(([key]) => key)
  const inherited = keysOf(true)
  return [
    `const builtin = ${get}`,
    "export default builtin",
    ...keysOf(false).map((key) => `const its_${key} = builtin.${key}\nexport { its_${key} as ${key} }`),
    ...inherited.length > 0 ? [`export { ${inherited.join(", ")} } from "\0inherited:${name}"`] : []
  ].join("\n")
}

// Static imports of Node's modules would load them before the first statement, for `--version` too.
const lazyBuiltins: Plugin = {
  name: "keelson:lazy-builtins",
  resolveId: (source, _importer, { kind }) => {
    if (source === lazyBuiltin || source.startsWith("\0inherited:")) return { id: source, moduleSideEffects: false }
    const name = source.replace(/^node:/, "")
    if (!builtins.has(name)) return null
    const how = kind === "import-statement" ? "imported" : "required"
    return { id: `\0${how}:${name}`, moduleSideEffects: false }
  },
  load: builtinModule,
  transform: (_code, id) => {
    const code = replacements.find(([path]) => id.endsWith(path))?.[1]
    return code === undefined ? null : { code, map: { mappings: "" } }
  }
}

// AWS's packages are CommonJS and modules; of modules the commands that nobody sends are left out, half of their code.
const awsModules: Plugin = {
  name: "keelson:aws-modules",
  resolveId: {
    filter: { id: /^@(aws-sdk|smithy)\// },
    handler: async function(source, importer, options) {
      const resolved = await this.resolve(source, importer, options)
      const id = resolved?.id.replace(/([\\/])dist-cjs([\\/])/, "$1dist-es$2")
      return id !== undefined && existsSync(id) ? { ...resolved, id } : resolved
    }
  }
}

// Every module is in the file, which knows these; `main` is for the one that is run.
const importMeta = {
  "import.meta": "{}",
  "import.meta.url": "__KEELSON_BUNDLE__.url()",
  "import.meta.filename": "__KEELSON_BUNDLE__.file",
  "import.meta.dirname": "__KEELSON_BUNDLE__.directory",
  "import.meta.main": "false"
}

// As long as what it is in place of: the source map needs no change.
const yes = "true".padEnd("import.meta.main".length)

const mainOfEntry: Plugin = {
  name: "keelson:main-of-entry",
  transform: {
    filter: { code: "import.meta.main" },
    handler: function(code, id) {
      return this.getModuleInfo(id)?.isEntry ? { code: code.replaceAll("import.meta.main", yes), map: null } : null
    }
  }
}

// What is required, or imported when it runs, may be missing; what a part starts with may not.
const findAbsent = (absent: Array<string>): Plugin => ({
  name: "keelson:find-absent",
  generateBundle: function(_options, output) {
    for (const part of Object.values(output)) {
      if (part.type !== "chunk") continue
      for (const imported of part.imports) {
        if (imported in output || isBuiltin(imported)) continue
        const importer = part.moduleIds.find((id) => this.getModuleInfo(id)?.importedIds.includes(imported))
        absent.push(`${importer} imports ${imported}, which is not there: install it, or import() it where it is used`)
      }
    }
  }
})

const replacements: ReadonlyArray<readonly [path: string, code: string]> = [
  // It reaches for import.meta.url to get a require, which a file that is also CommonJS does not have.
  [
    "/@effect/platform-node/dist/internal/http.js",
    `export const http = process.getBuiltinModule("node:http");
export const https = new Proxy({}, { get: (_, name) => process.getBuiltinModule("node:https")[name] })`
  ],
  // ws loads TLS, zlib and crypto: a service without web sockets starts without them.
  [
    "/@effect/platform-node-shared/dist/NodeWS.js",
    `const lazy = (name) => new Proxy(class {}, {
  construct: (_, args) => new (require("ws")[name])(...args),
  get: (_, key) => require("ws")[name][key]
});
export const WebSocket = lazy("WebSocket"), WebSocketServer = lazy("WebSocketServer");
export default WebSocket`
  ]
]

const besides = (path: string) => fileURLToPath(new URL(path + extname(import.meta.url), import.meta.url))
