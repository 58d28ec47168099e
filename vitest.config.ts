import { availableParallelism } from "node:os"
import { defineConfig } from "vitest/config"

// oxlint-disable-next-line import/no-default-export -- vitest's contract
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts", "examples/**/*.test.ts"],
    // Of two cores vitest would leave one idle, and tests mostly wait for processes.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 30_000,
    hookTimeout: 60_000
  }
})
