#!/usr/bin/env node
import { parseArgs } from "node:util"
import { bundle } from "../bundle.ts"

const { positionals: [entry, outfile], values } = parseArgs({
  allowPositionals: true,
  options: { version: { type: "string" }, "no-compile": { type: "boolean", default: false } }
})

if (entry === undefined || outfile === undefined) {
  process.stderr.write("Usage: keelson-bundle <entry.ts> <outfile.js> [--version 1.1.ab41cd] [--no-compile]\n")
  process.exitCode = 2
} else {
  try {
    const { bytes, version } = await bundle({
      entry,
      outfile,
      version: values.version,
      compile: !values["no-compile"]
    })
    process.stdout.write(`${outfile} ${version} ${Math.round(bytes / 1024)} KiB\n`)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
}
