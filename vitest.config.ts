import { defineConfig } from 'vitest/config'
import { filesByProject, type ProjectName } from './test/projects.ts'

const files = filesByProject()

/** What mostly waits, for a real system or for a soak, takes more workers than there are cores, and more patience. */
const waiting = { testTimeout: 240_000, hookTimeout: 240_000 }

interface Options {
  maxWorkers: number
  isolate?: boolean
  testTimeout?: number
  hookTimeout?: number
}

/** Projects of one group run side by side, with as many workers each; a group starts when the one before it has ended. */
const project = (name: ProjectName, groupOrder: number, options: Options) => ({
  extends: true as const,
  test: { name, include: files[name], sequence: { groupOrder }, ...options }
})

export default defineConfig({
  test: {
    globalSetup: ['test/harness/setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    // Real engines, clusters and hosts on a shared machine: one more try in CI, and the report says which needed it.
    retry: process.env.CI ? 1 : 0,
    projects: [
      // Importing the sources anew for each file would take longer than the tests.
      project('unit', 0, { maxWorkers: 2, isolate: false }),
      project('fakes', 1, { maxWorkers: 4 }),
      project('npm', 1, { maxWorkers: 4 }),
      project('browser', 1, { maxWorkers: 4 }),
      project('prometheus', 2, { maxWorkers: 5, ...waiting }),
      project('docker', 2, { maxWorkers: 5, ...waiting }),
      project('docker-current', 2, { maxWorkers: 5, ...waiting }),
      project('kubernetes', 2, { maxWorkers: 5, ...waiting }),
      project('host', 2, { maxWorkers: 5, ...waiting })
    ]
  }
})
