import { build } from '../scripts/build.ts'
import { type BuiltServer, startServer } from '../testkit/built-server.ts'
import { type Monorepo, monorepo, monorepoTargets } from '../testkit/npm/monorepo.ts'
import { startVerdaccio } from '../testkit/npm/verdaccio.ts'
import { inTurns, only, printRatios } from './support/turns.ts'

const rounds = Number(process.env.ROUNDS ?? 5)
const soakSeconds = Number(process.env.SOAK ?? 0)

/** Three npm packages of one release taken back as one, next to three rollbacks in a row: the assessments, and all of it. */
await build()
const registry = await startVerdaccio()

interface Figures {
  assessMs: number
  wholeMs: number
}

async function timed(rollBack: (server: BuiltServer, figures: Figures) => Promise<void>): Promise<Figures> {
  const packages: Monorepo = await monorepo({ url: registry.url, writer: registry.writer }, { soakSeconds })
  const server = await startServer({ projectDir: packages.dir, env: packages.env })
  const figures: Figures = { assessMs: 0, wholeMs: 0 }
  try {
    const began = performance.now()
    await rollBack(server, figures)
    figures.wholeMs = performance.now() - began
    const left = Object.entries(await packages.latest()).filter(([, version]) => version !== '1.1.0')
    if (left.length > 0) throw new Error(`not back: ${left.join(' ')}`)
    return figures
  } finally {
    await server.close()
    await packages.remove()
  }
}

const goBack = async (server: BuiltServer, target: string, figures: Figures): Promise<void> => {
  const began = performance.now()
  const asked = target === 'all' ? { target } : { target, version: '1.1.0' }
  const { plan, risks } = await server.call('assess_rollback', asked)
  figures.assessMs += performance.now() - began
  const accept = risks.filter(({ serious }: { serious: boolean }) => serious).map(({ id }: { id: string }) => id)
  const call = { target, version: plan.version, plan_id: plan.id, accept }
  const { outcome, summary } = await server.call('execute_rollback', call)
  if (outcome !== 'succeeded') throw new Error(summary)
}

try {
  const figures = await inTurns(
    [
      { name: 'three packages as one', run: () => timed((server, figures) => goBack(server, 'all', figures)) },
      {
        name: 'three rollbacks in a row',
        run: () =>
          timed(async (server, figures) => {
            for (const target of monorepoTargets) await goBack(server, target, figures)
          })
      }
    ],
    rounds
  )
  printRatios(
    'The assessments',
    'ms',
    only(figures, ({ assessMs }) => assessMs)
  )
  printRatios(
    'All of it',
    'ms',
    only(figures, ({ wholeMs }) => wholeMs)
  )
} finally {
  await registry.stop()
}
