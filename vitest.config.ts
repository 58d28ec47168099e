import { defineConfig } from "vitest/config"

// oxlint-disable-next-line import/no-default-export -- vitest's contract
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts", "examples/**/*.test.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000
  }
})
