import { execFileSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { median } from "../statistics.ts"
import { align } from "../table.ts"
import type { Stall } from "./heap.ts"

const sizes = [10, 100, 250, 500]
const runs = 5
const file = fileURLToPath(new URL("heap.ts", import.meta.url))

const run = (megabytes: number) =>
  JSON.parse(
    execFileSync(process.execPath, ["--max-old-space-size=4096", file, String(megabytes)], { encoding: "utf8" })
  ) as Stall

/** How long beginning and ending a capture stops a process, by the size of its heap. */
export const stall = (): string =>
  align([
    ["heap MiB", "start a CPU profile", "stop it", "read a heap profile"],
    ...sizes.map((megabytes) => {
      const stalls = Array.from({ length: runs }, () => run(megabytes))
      const middle = (of: (stall: Stall) => number, digits: number) => median(stalls.map(of)).toFixed(digits)
      return [
        middle(({ heap }) => heap, 0),
        middle(({ start }) => start, 1),
        middle(({ stop }) => stop, 1),
        middle(({ read }) => read, 1)
      ]
    })
  ])
