import type { TestProject } from 'vitest/node'
import { type ProjectName, projects } from '../projects.ts'
import { bringUp } from './bring-up.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** By backend of the project: what tests need to reach it, or null when it is missing. */
    backends: Record<string, Record<string, string> | null>
  }
}

/** Builds dist/ and brings up the backends that a project needs; each once, however many projects need it. */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const { built, backends } = projects[project.name as ProjectName] ?? { built: false, backends: [] }
  const up = await bringUp(built, backends)
  project.provide('backends', up.found)
  return up.stop
}
