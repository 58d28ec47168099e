#!/usr/bin/env node
import { parseArgs } from "node:util"
import { bundle } from "../bundle.ts"
import { executable, permissions } from "../executable.ts"

const parse = (args: Array<string>) =>
  parseArgs({
    args,
    allowPositionals: true,
    options: {
      version: { type: "string" },
      "no-compile": { type: "boolean", default: false },
      exe: { type: "string" },
      node: { type: "string" },
      allow: { type: "string", multiple: true }
    }
  })

const asked = () => {
  try {
    return parse(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`)
    return parse([])
  }
}

const messageOf = (error: unknown) => error instanceof Error ? error.message : String(error)

const { positionals: [entry, outfile], values: { allow = [], exe, "no-compile": interpreted, node, version } } = asked()
const allowed = permissions.filter((permission) => allow.includes(permission))

const uncompiled = "It brings no compiled code, and starts slower: the entry served nothing while it was built, " +
  "or this Node has no zstd, which 22.15 and later have\n"

if (entry === undefined || outfile === undefined || allowed.length < allow.length) {
  process.stderr.write(
    "Usage: keelson-bundle <entry.ts> <outfile.js> [--version 1.1.ab41cd] [--no-compile]\n" +
      `       [--exe <outfile> [--node <node>] [--allow ${permissions.join("|")}]...]\n`
  )
  process.exitCode = 2
} else {
  try {
    const built = await bundle({ entry, outfile, version, compile: !interpreted })
    process.stdout.write(`${outfile} ${built.version} ${Math.round(built.bytes / 1024)} KiB\n`)
    if (!interpreted && !built.compiled) process.stderr.write(uncompiled)
    if (exe !== undefined) {
      const { bytes } = executable({ bundle: outfile, outfile: exe, node, allow: allowed })
      process.stdout.write(`${exe} ${built.version} ${Math.round(bytes / 1024 / 1024)} MiB\n`)
    }
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`)
    process.exitCode = 1
  }
}
