import type { TestProject } from 'vitest/node'
import { build } from '../../scripts/build.ts'
import { backends } from './index.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** By backend: what tests need to reach it, or null when it is missing. */
    backends: Record<string, Record<string, string> | null>
  }
}

/** Builds dist/, then brings up each backend; `POP_TEST_REQUIRE=all` (or a comma list of names) makes a missing one, or a missing part of one, an error. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await build()
  const wanted = process.env.POP_TEST_BACKENDS?.split(',')
  const required = process.env.POP_TEST_REQUIRE?.split(',') ?? []
  const stops: (() => Promise<void>)[] = []
  const found: Record<string, Record<string, string> | null> = {}
  const missing: string[] = []
  const miss = (name: string, what: string): void => {
    missing.push(`${name}: ${what}`)
    if (required.includes('all') || required.includes(name)) throw new Error(`backend ${name} is required: ${what}`)
  }
  for (const [name, load] of Object.entries(backends)) {
    const brought =
      wanted && !wanted.includes(name)
        ? { missing: 'left out by POP_TEST_BACKENDS' }
        : await (await load()).default.bring()
    if ('missing' in brought) {
      found[name] = null
      miss(name, brought.missing)
    } else {
      found[name] = brought.env
      if (brought.stop) stops.push(brought.stop)
      for (const part of brought.without ?? []) miss(name, `without ${part}`)
    }
  }
  project.provide('backends', found)
  return async () => {
    for (const stop of stops.reverse()) await stop()
    for (const line of missing) console.log(`Backend missing, its tests were skipped: ${line}`)
  }
}
