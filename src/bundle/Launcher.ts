import { isAscii } from "node:buffer"
// Node 20 bundles too, and has no zstd to be imported by name.
import * as zlib from "node:zlib"
import { base85 } from "./Base85.ts"
import type { DenseMap } from "./DenseMap.ts"

/**
 * What the one file is made of: the code of each part, and how it is kept. What `health` needs is `plain`; what any start
 * needs, `start`, is unpacked at once; parts of a group are unpacked together when one of them is first imported.
 *
 * @category models
 * @since 1.1.0
 */
export interface Parts {
  readonly version: string
  readonly code: Readonly<Record<string, string>>
  readonly plain: ReadonlyArray<string>
  readonly start: ReadonlyArray<string>
  readonly groups: ReadonlyArray<ReadonlyArray<string>>
  readonly map: DenseMap
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
 * `--version` waits for. The function's own text gives it back.
 *
 * While it loads, Effect reads two stacks of its own for the names in them. Their lines V8 would count from the begin of
 * the code, which is felt in a start: they are left out of stacks as short as those, of errors without a message.
 *
 * V8 begins with a new space of 1 MB and doubles it when much outlives a collection, as most of what a start makes does.
 * The first collection is when the code is unpacked: it gives 4 MB, which V8 takes under load anyway. What V8 compiled, Node's
 * own modules too, is for the flags that it was compiled with: nothing is loaded until the factor is V8's own again. Who
 * gives a factor keeps it, and what the file brings would be refused.
 *
 * A container runtime asks for the health every few seconds: without the service it is there in half of the time. What
 * is required and is no part may be one of Node's modules, or an optional dependency, which must be seen to be missing.
 */
export const render = (
  { code, groups, map, plain, start, version }: Parts,
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
  const codeOf = (names: ReadonlyArray<string>) => names.map((name) => code[name]).join("")
  const packed = (names: ReadonlyArray<string>, { how, pack }: Packing = small) => {
    const text = codeOf(names)
    return {
      how,
      // Both read ASCII, and this one faster.
      encoding: isAscii(Buffer.from(text)) ? "latin1" : "utf8",
      place: keep(pack(text).toString("base64")),
      sizes: Object.fromEntries(names.map((name) => [name, Buffer.byteLength(code[name] ?? "")]))
    }
  }
  const index = {
    // What may not stand in the comment as it is goes to the index, between the places of what may.
    plain: Object.fromEntries(plain.map((name) => [
      name,
      (code[name] ?? "").split(unfit).map((piece, position) => position % 2 === 0 ? keep(piece) : piece)
    ])),
    start: packed(start, quick),
    groups: groups.map((names) => packed(names)),
    map: keep(base85(brotli(JSON.stringify(map)))),
    ...(compiled === undefined ? {} : {
      node: compiled.node,
      compiled: {
        how: "zstdDecompressSync",
        place: keep(zstd(Buffer.concat([...compiled.parts.values()]), codeOf(start))),
        sizes: Object.fromEntries([...compiled.parts].map(([name, { length }]) => [name, length]))
      }
    })
  }
  const launcher = `#!/usr/bin/env node
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
  const { getBuiltinModule } = process;
  const { Script } = getBuiltinModule("node:vm");
  const cut = ([from, to]) => body.slice(from, to);
  const unpack = ({ encoding, how, place, sizes }, to, dictionary) => {
    const packed = Buffer.from(cut(place), "base64");
    const chunkSize = Object.values(sizes).reduce((sum, size) => sum + size, 64);
    const bytes = getBuiltinModule("node:zlib")[how](packed, { chunkSize, dictionary });
    let at = 0;
    for (const name in sizes) {
      const part = bytes.subarray(at, at += sizes[name]);
      to[name] = encoding ? part.toString(encoding) : part;
    }
    return bytes;
  };
  const codes = { __proto__: null };
  const compiled = { __proto__: null };
  const code = (name) => {
    if (!(name in codes)) {
      if (Object.hasOwn(index.plain, name)) {
        return codes[name] = index.plain[name].map((piece) => typeof piece === "string" ? piece : cut(piece)).join("");
      }
      const group = index.groups.find(({ sizes }) => name in sizes);
      if (group === undefined) return;
      unpack(group, codes);
    }
    return codes[name];
  };
  const file = process.argv[1] ?? "";
  const directory = getBuiltinModule("node:path").dirname(file);
  const url = () => getBuiltinModule("node:url").pathToFileURL(file).href;
  const bundle = { file, directory, url, code, map: () => cut(index.map)${rehearsal ? ", rehearsed" : ""} };
  const loaded = new Map();
  ${rehearsal ? rehearsed : ""}
  const load = (id) => {
    const name = id.replace(/^\\.\\//, "");
    let module = loaded.get(name);
    if (module === undefined) {
      const text = code(name);
      if (text === undefined) {
        const builtin = getBuiltinModule(id);
        if (builtin) return builtin;
        throw Object.assign(new Error("Cannot find module '" + id + "'"), { code: "MODULE_NOT_FOUND" });
      }
      module = { exports: {} };
      loaded.set(name, module);
      const script = new Script("(${parameters} {\\n" + text + "\\n})", {
        filename: file + "/" + name,
        lineOffset: -1,
        cachedData: compiled[name]
      });
      ${rehearsal ? "scripts.set(name, script);" : ""}
      try {
        script.runInThisContext()(module.exports, load, module, bundle, file, directory);
      } catch (error) {
        loaded.delete(name);
        throw error;
      }
    }
    return module.exports;
  };
  if (flag === "health" && load("${probeEntry}.js").run(process.argv.slice(3))) return;
  const fits = index.node === ${nodeOf} && !/semi.space.growth/.test(process.execArgv.join());
  const grow = (factor) => getBuiltinModule("node:v8").setFlagsFromString("--semi-space-growth-factor=" + factor);
  if (fits) {
    getBuiltinModule("node:zlib");
    grow(4);
  }
  const start = unpack(index.start, codes);
  if (fits) {
    grow(2);
    unpack(index.compiled, compiled, start);
  }
  const { prepareStackTrace } = Error;
  Error.prepareStackTrace = (error, frames) => [
    Error.prototype.toString.call(error),
    ...frames.length > 2 || error.message !== "" ? frames : frames.map(nameOf)
  ].join("\\n    at ");
  try {
    load("main.js");
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
  }
  function nameOf(frame) {
    return frame.getFunctionName() + " [as " + frame.getMethodName() + "]";
  }
  function kept() {
`
  return `${launcher.replace(/^\s+/gm, "")}/*${indexText(index)}*//*${pieces.join(separator)}*/\n}\n})();\n`
}

const parameters = "function(exports, require, module, __KEELSON_BUNDLE__, __filename, __dirname)"

const rehearsed = `
  const scripts = new Map();
  function rehearsed() {
    const compiled = [...scripts].map(([name, script]) => [name, script.createCachedData()]);
    process.send({ node: ${nodeOf}, compiled }, () => process.exit());
  }
`

// Two pieces side by side must not end the comment either.
const separator = "\n"

// The end of a comment, and whatever would make V8 store the whole file at two bytes a character.
const unfit = /(\*\/|[^\0-\x7e]+)/

const indexText = (index: unknown): string =>
  JSON.stringify(index)
    .replaceAll("*/", "*\\/")
    .replace(/[^\0-\x7e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`)

interface Packing {
  readonly how: string
  readonly pack: (text: string) => Buffer
}

const brotli = (text: string): Buffer => {
  const bytes = Buffer.from(text)
  const params = { [zlib.constants.BROTLI_PARAM_SIZE_HINT]: bytes.length, [zlib.constants.BROTLI_PARAM_LGWIN]: 24 }
  return zlib.brotliCompressSync(bytes, { params })
}

const small: Packing = { how: "brotliDecompressSync", pack: brotli }

// Every start waits for it: read in two thirds of the time, for a sixth more bytes.
const quick: Packing = { how: "inflateRawSync", pack: (text) => zlib.deflateRawSync(text, { level: 9, memLevel: 9 }) }

// Read in a third of the time that brotli takes, for a tenth more bytes; a Node without it has no use for compiled code.
// The names in it are those of the code, which is unpacked before: a Node that knows dictionaries finds them there.
const zstd = (bytes: Uint8Array, code: string): string => {
  const params = { [zlib.constants.ZSTD_c_compressionLevel]: 22 }
  return zlib.zstdCompressSync(bytes, { params, dictionary: Buffer.from(code) }).toString("base64")
}
