/**
 * Runs a benchmark under another Node, which need not know TypeScript, and in one piece, as services are built.
 *
 * Run with `node bench/under.ts /usr/bin/node bench/log-call.ts`.
 */
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { rolldown } from "rolldown"

const [node, file] = process.argv.slice(2)
if (node === undefined || file === undefined) {
  console.error("usage: node bench/under.ts NODE FILE")
  process.exit(2)
}

// From there it finds the comparisons, which are not bundled.
const modules = fileURLToPath(new URL("node_modules", import.meta.url))
mkdirSync(modules, { recursive: true })
const directory = mkdtempSync(join(modules, "under-"))
try {
  const bundle = await rolldown({ input: file, platform: "node", external: ["pino", "prom-client", "winston"] })
  await bundle.write({ dir: directory, format: "esm", entryFileNames: "main.mjs", chunkFileNames: "[name].mjs" })
  const { error, status } = spawnSync(node, [join(directory, "main.mjs")], { stdio: "inherit" })
  if (error !== undefined) throw error
  process.exitCode = status ?? 1
} finally {
  rmSync(directory, { recursive: true, force: true })
}
