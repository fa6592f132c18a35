import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/backends/setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    pool: 'forks',
    // Real engines, clusters and hosts on a shared machine: one more try in CI, and the report says which needed it.
    retry: process.env.CI ? 1 : 0
  }
})
