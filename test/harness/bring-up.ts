import { build } from '../../scripts/build.ts'
import { backends } from '../../testkit/backends/index.ts'

type Env = Record<string, string>

interface Run {
  built?: Promise<void>
  /** By backend: what it gave, or null. */
  found: Map<string, Promise<Env | null>>
  stops: (() => Promise<void>)[]
  missing: string[]
}

/** Vitest loads the setup anew for each project, in one process: what was brought up is kept beside them all. */
const shared = globalThis as typeof globalThis & { popTestRun?: Run }
shared.popTestRun ??= { found: new Map(), stops: [], missing: [] }
const run = shared.popTestRun

const wanted = process.env.POP_TEST_BACKENDS?.split(',')
const required = process.env.POP_TEST_REQUIRE?.split(',') ?? []

/** `POP_TEST_REQUIRE=all` (or a comma list of names) makes a missing backend, or a missing part of one, an error. */
export async function bringUp(
  built: boolean,
  names: readonly string[]
): Promise<{ found: Record<string, Env | null>; stop(): Promise<void> }> {
  if (built) run.built ??= build()
  await run.built
  const found: Record<string, Env | null> = {}
  for (const name of names) {
    const bringing = run.found.get(name) ?? bring(name)
    run.found.set(name, bringing)
    found[name] = await bringing
  }
  return { found, stop: stopAll }
}

async function bring(name: string): Promise<Env | null> {
  if (wanted && !wanted.includes(name)) return miss(name, 'left out by POP_TEST_BACKENDS')
  const load = backends[name]
  if (!load) throw new Error(`No backend ${name}; there are ${Object.keys(backends).join(', ')}`)
  const brought = await (await load()).default.bring()
  if ('missing' in brought) return miss(name, brought.missing)
  if (brought.stop) run.stops.push(brought.stop)
  for (const part of brought.without ?? []) miss(name, `without ${part}`)
  return brought.env
}

function miss(name: string, what: string): null {
  run.missing.push(`${name}: ${what}`)
  if (required.includes('all') || required.includes(name)) throw new Error(`backend ${name} is required: ${what}`)
  return null
}

/** Stops everything when the first project is done, for all of them end together. */
async function stopAll(): Promise<void> {
  for (const stop of run.stops.splice(0).reverse()) await stop()
  for (const line of run.missing.splice(0)) console.log(`Backend missing, its tests were skipped: ${line}`)
}
