import { execFileSync } from "node:child_process"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { builtinModules } from "node:module"
import { dirname, resolve } from "node:path"
import type { Plugin } from "rolldown"

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
}

/**
 * Bundles a service into one file that runs alone, as CommonJS or as a module, on Node 20.20 and later.
 *
 * **Details**
 *
 * The file holds its code as text and compiles a part when it is first imported, so `--version` answers before
 * anything else is even parsed.
 *
 * @category build
 * @since 1.1.0
 * @example
 * ```ts
 * await bundle({ entry: "src/main.ts", outfile: "dist/main.js" })
 * ```
 */
export const bundle = async (options: BundleOptions): Promise<{ readonly version: string; readonly bytes: number }> => {
  const stamp = options.version ?? version(dirname(resolve(options.entry)))
  const { rolldown } = await import("rolldown")
  const build = await rolldown({
    input: { main: options.entry },
    platform: "node",
    plugins: [lazyBuiltins],
    optimization: { pifeForModuleWrappers: false },
    transform: { target: "node20.20", define: { __KEELSON_VERSION__: JSON.stringify(stamp), "import.meta": "{}" } }
  })
  const { output } = await build.generate({ format: "cjs", minify: true, chunkFileNames: "[name].js" })
  const chunks = Object.fromEntries(output.flatMap((part) => part.type === "chunk" ? [[part.fileName, part.code]] : []))
  const text = launcher(stamp, chunks)
  mkdirSync(dirname(options.outfile), { recursive: true })
  writeFileSync(options.outfile, text, { mode: 0o755 })
  return { version: stamp, bytes: text.length }
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

const builtins = new Set(builtinModules)
const builtinPrefix = "\0builtin:"

// Those that take milliseconds to load and are used by few services, and by none in every request.
const heavy = new Set(["child_process", "crypto", "dns", "https", "readline", "tls", "v8", "zlib"])

// Importing a heavy one gives an object that loads it when something of it is first used.
const builtinModule = (name: string): string => {
  const get = `process.getBuiltinModule("node:${name}")`
  return heavy.has(name)
    ? `module.exports = Object.create(new Proxy({}, { get: (_, key) => ${get}[key] }))`
    : `module.exports = ${get}`
}

// Static imports of Node's modules would load them before the first statement, for `--version` too.
const lazyBuiltins: Plugin = {
  name: "keelson:lazy-builtins",
  resolveId: (source) => {
    const name = source.replace(/^node:/, "")
    return builtins.has(name) ? { id: `${builtinPrefix}${name}`, moduleSideEffects: false } : null
  },
  load: (id) => id.startsWith(builtinPrefix) ? builtinModule(id.slice(builtinPrefix.length)) : null,
  transform: (_code, id) => replacements.find(([path]) => id.endsWith(path))?.[1] ?? null
}

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

// V8 stores text with one non-Latin-1 character at two bytes each, and scans it slower.
const ascii = (text: string) =>
  text.replace(/[\u007f-\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`)

const launcher = (stamp: string, chunks: Record<string, string>) =>
  `#!/usr/bin/env node
"use strict";
(() => {
  const flag = process.argv[2];
  if (process.argv.length === 3 && (flag === "-v" || flag === "--version")) {
    process.stdout.write(${JSON.stringify(`${stamp}\n`)});
    return;
  }
  const chunks = ${ascii(JSON.stringify(chunks))};
  const { Script } = process.getBuiltinModule("node:vm");
  const loaded = new Map();
  const load = (id) => {
    const name = id.replace(/^\\.\\//, "");
    let module = loaded.get(name);
    if (module === undefined) {
      // Optional dependencies that are not bundled are asked for too, and must be seen to be missing.
      if (!(name in chunks)) throw new Error("Cannot find module " + id);
      module = { exports: {} };
      loaded.set(name, module);
      const code = "(function(exports, require, module) {" + chunks[name] + "\\n})";
      new Script(code, { filename: process.argv[1] + "#" + name }).runInThisContext()(module.exports, load, module);
    }
    return module.exports;
  };
  load("main.js");
})();
`
