import { brotliCompressSync, constants, zstdCompressSync } from "node:zlib"

/**
 * What the one file is made of: the code of each part, which of them are not compressed, and their source maps.
 *
 * @category models
 * @since 1.1.0
 */
export interface Parts {
  readonly version: string
  readonly code: Readonly<Record<string, string>>
  readonly plain: ReadonlySet<string>
  readonly maps: Readonly<Record<string, unknown>>
}

/**
 * The name of the entry that answers `health` without the service.
 *
 * @category constants
 * @since 1.1.0
 */
export const probeEntry = "health-probe"

/**
 * What V8 made of each part that a start needs, for one Node alone.
 *
 * @category models
 * @since 1.1.0
 */
export interface Compiled {
  readonly node: string
  readonly parts: ReadonlyMap<string, Uint8Array>
}

// The Node that code was compiled by, as the launcher tells its own.
const nodeOf = "[process.version, process.arch, process.platform].join()"

/**
 * Writes the one file. With `rehearsal` it is the one that is run while it is built: it compiles everything anew, and
 * sends what came of it to its parent when the service says that it has seen enough.
 *
 * **Details**
 *
 * All but the launcher stands in comments of a function, which V8 passes over faster than it reads text: that is what
 * `--version` waits for. The function's own text gives it back, so parts that a start needs, which are there as they are,
 * are not even copied. Others and compiled code are compressed.
 *
 * @category rendering
 * @since 1.1.0
 */
export const render = (
  { code, maps, plain, version }: Parts,
  { compiled, rehearsal = false }: { readonly compiled?: Compiled | undefined; readonly rehearsal?: boolean } = {}
): string => {
  const pieces: Array<string> = []
  let length = 0
  const keep = (text: string): readonly [from: number, to: number] => {
    const from = length
    pieces.push(text)
    length += text.length + separator.length
    return [from, from + text.length]
  }
  // What may not stand in the comment as it is goes to the index, between the places of what may.
  const keepText = (text: string) =>
    text.split(unfit).map((piece, position) => position % 2 === 0 ? keep(piece) : piece)
  const index = {
    plain: each(Object.entries(code).filter(([name]) => plain.has(name)), keepText),
    packed: each(Object.entries(code).filter(([name]) => !plain.has(name)), (text) => keep(brotli(text))),
    maps: keep(brotli(JSON.stringify(maps))),
    ...(compiled === undefined ? {} : {
      node: compiled.node,
      compiled: keep(zstd(Buffer.concat([...compiled.parts.values()]))),
      sizes: each([...compiled.parts], ({ length }) => length)
    })
  }
  return `#!/usr/bin/env node
"use strict";
(() => {
  const flag = process.argv[2];
  if (process.argv.length === 3 && (flag === "-v" || flag === "--version")) {
    process.stdout.write(${JSON.stringify(`${version}\n`)});
    return;
  }
  const text = String(kept);
  const end = text.indexOf("*/");
  const first = text.slice(text.indexOf("/*") + 2, end);
  const body = text.slice(end + 4);
  const index = JSON.parse(first);
  const { Script } = process.getBuiltinModule("node:vm");
  const cut = ([from, to]) => body.slice(from, to);
  const unpack = (how, place, options) =>
    process.getBuiltinModule("node:zlib")[how](Buffer.from(cut(place), "base64"), options);
  const code = (name) =>
    name in index.plain
      ? index.plain[name].map((piece) => typeof piece === "string" ? piece : cut(piece)).join("")
      : name in index.packed
      ? unpack("brotliDecompressSync", index.packed[name]).toString()
      : undefined;
  const compiled = {};
  // All in one piece: each that is unpacked costs half a millisecond.
  const unpackCompiled = () => {
    const sizes = Object.entries(index.sizes);
    const chunkSize = sizes.reduce((sum, [, size]) => sum + size, 0);
    const bytes = unpack("zstdDecompressSync", index.compiled, { chunkSize });
    let at = 0;
    for (const [name, size] of sizes) compiled[name] = bytes.subarray(at, at += size);
  };
  const file = process.argv[1];
  const bundle = { file, code, maps: () => cut(index.maps)${rehearsal ? ", rehearsed" : ""} };
  const loaded = new Map();
${rehearsal ? rehearsed : ""}  const load = (id) => {
    const name = id.replace(/^\\.\\//, "");
    let module = loaded.get(name);
    if (module === undefined) {
      // Optional dependencies that are not bundled are asked for too, and must be seen to be missing.
      const text = code(name);
      if (text === undefined) throw new Error("Cannot find module " + id);
      module = { exports: {} };
      loaded.set(name, module);
      const script = new Script("(function(exports, require, module, __KEELSON_BUNDLE__) {\\n" + text + "\\n})", {
        filename: file + "/" + name,
        lineOffset: -1,
        cachedData: compiled[name]
      });
${
    rehearsal
      ? "      scripts.set(name, script);\n"
      : ""
  }      script.runInThisContext()(module.exports, load, module, bundle);
    }
    return module.exports;
  };
  // A container runtime asks for the health every few seconds: without the service it is there in half of the time.
  if (flag === "health" && load("${probeEntry}.js").run(process.argv.slice(3))) return;
  if (index.node === ${nodeOf}) unpackCompiled();
  load("main.js");
  function kept() {
/*${indexText(index)}*//*${pieces.join(separator)}*/
  }
})();
`
}

const rehearsed = `  const scripts = new Map();
  function rehearsed() {
    const compiled = [...scripts].map(([name, script]) => [name, script.createCachedData()]);
    process.send({ node: ${nodeOf}, compiled }, () => process.exit());
  }
`

const each = <A, B>(entries: ReadonlyArray<readonly [string, A]>, to: (value: A) => B): Record<string, B> =>
  Object.fromEntries(entries.map(([name, value]) => [name, to(value)]))

// Two pieces side by side must not end the comment either.
const separator = "\n"

// The end of a comment, and whatever would make V8 store the whole file at two bytes a character.
const unfit = /(\*\/|[^\0-\x7e]+)/

const indexText = (index: unknown): string =>
  JSON.stringify(index)
    .replaceAll("*/", "*\\/")
    .replace(/[^\0-\x7e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`)

const brotli = (text: string): string => {
  const bytes = Buffer.from(text)
  const params = { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length, [constants.BROTLI_PARAM_LGWIN]: 24 }
  return brotliCompressSync(bytes, { params }).toString("base64")
}

const zstd = (bytes: Uint8Array): string =>
  zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 19 } }).toString("base64")
