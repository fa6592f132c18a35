import { defineConfig } from 'vitest/config'
import { filesByProject, type ProjectName } from './test/projects.ts'

const files = filesByProject()

/** Projects of one group run side by side; a group starts when the one before it has ended. */
const project = (name: ProjectName, groupOrder: number, maxWorkers: number, isolate = true) => ({
  extends: true as const,
  test: { name, include: files[name], sequence: { groupOrder }, maxWorkers, isolate }
})

export default defineConfig({
  test: {
    globalSetup: ['test/backends/setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    // Real engines, clusters and hosts on a shared machine: one more try in CI, and the report says which needed it.
    retry: process.env.CI ? 1 : 0,
    projects: [
      // Importing the sources anew for each file would take longer than the tests.
      project('unit', 0, 2, false),
      // These mostly wait, for what is real or for a soak.
      ...(['fakes', 'npm'] as const).map((name) => project(name, 1, 4)),
      ...(['docker', 'kubernetes', 'host'] as const).map((name) => project(name, 2, 5))
    ]
  }
})
