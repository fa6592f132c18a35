import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import kubernetes from '../src/targets/kubernetes/index.ts'
import type { Target } from '../src/targets/target.ts'
import backend from '../test/backends/kubernetes.ts'
import { targetContext, testRun } from '../test/harness/context.ts'
import { type Cluster, createCluster, until, workload } from '../test/targets/kubernetes/cluster.ts'
import { inTurns, printRatios } from './support/turns.ts'

const run = promisify(execFile)
const rounds = Number(process.env.ROUNDS ?? 5)
const many = Number(process.env.MANY ?? 20)

/** From the call until every replica of the good version is available: ours next to kubectl's undo and status, in turns. */
const brought = await backend.bring()
if ('missing' in brought) throw new Error(brought.missing)
const cluster = await createCluster(brought.env.kubeconfig ?? '')
try {
  await compare('one Deployment', ['web'])
  await compare(
    `${many} Deployments`,
    Array.from({ length: many }, (_, index) => `web-${index}`)
  )
} finally {
  await cluster.remove()
}

async function compare(title: string, names: string[]): Promise<void> {
  for (const name of names) await cluster.rolledOut(await shape(cluster, name, '1.1.0'))
  // As in a server that has just assessed: the client is loaded.
  const config = { namespace: cluster.namespace, workloads: names.map((name) => `deployment/${name}`) }
  const env = { KUBECONFIG: cluster.kubeconfig }
  const target = await kubernetes.open(targetContext({ name: 'kubernetes', projectDir: process.cwd(), env, config }))
  const timed = async (rollBack: () => Promise<void>): Promise<number> => {
    for (const name of names) await cluster.apply(await shape(cluster, name, '1.2.0'))
    await settled(names, '1.2.0')
    const began = performance.now()
    await rollBack()
    const took = performance.now() - began
    await settled(names, '1.1.0')
    return took
  }
  const figures = await inTurns(
    [
      { name: 'pop-deploy-rollback', run: () => timed(() => ours(target)) },
      { name: 'kubectl rollout undo; rollout status', run: () => timed(() => theirs(names)) }
    ],
    rounds
  )
  printRatios(title, 'ms', figures)
  await target.close?.()
  await cluster.kubectl('delete', 'deployments', '--all')
  await until('no pod', async () => (await cluster.kubectl('get', 'pods', '-o', 'name')) === '', 120_000)
}

/** Survey, plan with every precondition, apply: what happens between the call and the replicas. */
async function ours(target: Target): Promise<void> {
  const running = testRun({ signal: AbortSignal.timeout(600_000) })
  const survey = await target.survey(running.signal)
  const release = survey.releases.find(({ version }) => version === '1.1.0')
  if (!release) throw new Error('the good version is not offered')
  const { steps, blockers } = await target.plan(survey, release, running.signal)
  if (blockers.length > 0) throw new Error(JSON.stringify(blockers))
  for (const step of steps.filter(({ phase }) => phase === 'cure')) await target.apply(step, running)
}

async function theirs(names: readonly string[]): Promise<void> {
  const kubectl = (...args: string[]) =>
    run('kubectl', ['--kubeconfig', cluster.kubeconfig, '-n', cluster.namespace, ...args])
  for (const name of names) {
    await kubectl('rollout', 'undo', `deployment/${name}`)
    await kubectl('rollout', 'status', `deployment/${name}`)
  }
}

async function settled(names: readonly string[], version: string): Promise<void> {
  const images = `{range .items[*]}{.spec.containers[0].image}{"\\n"}{end}`
  await until(
    `only ${version}`,
    async () => {
      const pods = (await cluster.kubectl('get', 'pods', '-o', `jsonpath=${images}`)).split('\n')
      return pods.length >= names.length && pods.every((image) => image.endsWith(`:${version}`))
    },
    300_000
  )
  for (const name of names) await cluster.kubectl('rollout', 'status', `deployment/${name}`)
}

async function shape(on: Cluster, name: string, version: string) {
  return workload({ name, image: await on.image(version), replicas: 1 })
}
