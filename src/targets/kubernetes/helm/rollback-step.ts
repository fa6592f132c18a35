import { z } from 'zod'
import type { Release } from '../../../model/release.ts'
import { messageOf, TargetError } from '../../../support/errors.ts'
import { anySignal } from '../../../support/limit.ts'
import { oneLine } from '../../../support/text.ts'
import type { Known, Run } from '../../target.ts'
import type { KubernetesContext } from '../context.ts'
import { kubernetesStep } from '../kubernetes-step.ts'
import { hashSchema, moveSchema, nameSchema } from '../objects/move.ts'
import { addressText, shortText } from '../objects/names.ts'
import { templateHash } from '../objects/template.ts'
import { isOnDelete, isOrdered } from '../objects/workload.ts'
import { rolloutOf } from '../workloads/health.ts'
import type { ClusterState } from '../workloads/observe.ts'
import { readWorkload } from '../workloads/read.ts'
import { followRollout } from '../workloads/steps/follow-rollout.ts'
import { isOfHelm, workloadAt } from '../workloads/steps/move-mismatch.ts'
import { advised } from './advice.ts'
import { type HelmState, helmReleaseId } from './helm-state.ts'
import { type HelmContent, type HelmRecord, hasRollbackHooks, isPending } from './history.ts'
import type { HelmName } from './owner.ts'
import { explained, throwWhenFailed } from './pod-failures.ts'
import { type Kept, keepReplicas } from './replicas.ts'
import { helmStateOf, releaseSchema, unlock } from './unlock-step.ts'

const side = z.object({ revision: z.number().int().positive(), content: hashSchema })
type HelmSide = z.infer<typeof side>

/** A Helm release: the revision that was observed as its newest, and the one to go back to. */
const params = z.object({
  server: z.string(),
  release: releaseSchema,
  from: side,
  to: side,
  /** `follow`: the step waits until it is complete; a later step waits for what it unblocks. `scaled`: its replicas are kept. */
  workloads: z.array(
    moveSchema
      .pick({ kind: true, namespace: true, name: true })
      .extend({ revision: nameSchema.or(z.literal('')), follow: z.boolean(), scaled: z.boolean() })
  ),
  /** Whether Helm itself waits until the pods are ready. */
  wait: z.boolean()
})
type HelmMove = z.infer<typeof params>

/** A helm program whose caller died ends at its next line of output; while it waits it writes one every two seconds. */
const dyingMs = 10_000
const settleMs = 20_000

/** Lets Helm roll its release back and wait, then waits until every workload is complete. */
export const rollBackRelease = kubernetesStep({
  kind: 'helm_rollback',
  phase: 'switch',
  params,
  describe({ helm, config }, { release, from, to, workloads, wait }, between) {
    const seconds = secondsOf(config)
    const scaled = workloads.filter(({ scaled }) => scaled).map(shortText)
    const kept = scaled.length > 0 ? `, keeping the replicas of ${scaled.join(', ')}` : ''
    return {
      id: `helm:${release.namespace}/${release.name}`,
      title: `Rolling the Helm release ${release.name} back to ${between.to.version} (revision ${to.revision})${kept}`,
      ...(isUndoable({ from, to })
        ? {
            undo: `Roll the release back to revision ${from.revision}`,
            manualUndoCommands: [helm.command(release, from.revision, { wait: false, seconds })]
          }
        : { undo: null }),
      manualCommands: [helm.command(release, to.revision, { wait, seconds })]
    }
  },
  mismatch(_cluster, { release, from, to, workloads, wait }, known) {
    const helm = helmStateOf(known, release)
    if (typeof helm === 'string') return helm
    if (!isKept(helm, to, known.to)) return `Helm's revision ${to.revision} is not ${known.to.version}`
    // What is no revision of Helm's has an identity of the cluster.
    const left = known.from?.id.startsWith('helm:') ? known.from : { id: helmReleaseId(helm.of, from.content) }
    if (!known.from || !isKept(helm, from, left))
      return `Helm's revision ${from.revision} is not ${known.from?.version ?? 'what served'}`
    if (wait !== workloads.every(({ follow }) => follow)) return 'it waits for its pods at another step'
    const stray = workloads.find((one) => !isLedTo(one, known))
    return stray ? `${addressText(stray)} is none of its workloads, or has another revision` : null
  },
  async apply(cluster, move, run) {
    const newest = await newestOf(cluster, move, run)
    const isNew = newest.revision > move.from.revision
    const isThere = isNew && newest.content === move.to.content && newest.status === 'deployed'
    const { kept, remains } = await keeping(cluster, move, run, 'to', async () => {
      if (isThere) return
      await failOwnPending(cluster, move, newest, run.signal)
      await callRollback(cluster, move, move.to, move.wait, run)
    })
    for (const one of move.workloads) if (one.follow) await follow(cluster, one, run)
    const detail = isThere ? 'already there' : `revision ${newest.revision + 1} of the release`
    return { detail: [detail, ...kept].join('; '), remains }
  },
  /** What was there may not have been healthy, so the step does not wait long for it. */
  async revert(cluster, move, run) {
    const newest = await newestOf(cluster, move, run)
    if (newest.revision === move.from.revision) return { detail: 'Helm had not started' }
    if (!isUndoable(move)) return { detail: 'Helm keeps nothing of what was there' }
    if (newest.content === move.from.content && newest.status === 'deployed') return { detail: 'it was back already' }
    const { kept } = await keeping(cluster, move, run, 'from', async () => {
      await failOwnPending(cluster, move, newest, run.signal)
      await callRollback(cluster, move, move.from, false, run)
    })
    await settled(cluster, move, run)
    return { detail: [`revision ${newest.revision + 1} of the release restores the former one`, ...kept].join('; ') }
  }
})

/** Waits a while until every workload is complete. */
async function settled(cluster: KubernetesContext, { workloads }: HelmMove, run: Run): Promise<void> {
  const until = cluster.clock.now().getTime() + settleMs
  while (cluster.clock.now().getTime() < until) {
    const objects = await Promise.all(workloads.map((one) => readWorkload(cluster, one, run.signal)))
    if (objects.every((object) => rolloutOf(object).complete)) return
    await cluster.clock.sleep(500, run.signal)
  }
}

/** Helm's own limit for one operation (helm rollback --timeout) is 300 s. */
const secondsOf = ({ deadline_seconds: seconds }: KubernetesContext['config']): number => Math.ceil(seconds ?? 300)

/** What else than Helm has changed what the newest revision put in place is no revision of Helm's. */
const isUndoable = ({ from, to }: Pick<HelmMove, 'from' | 'to'>): boolean => from.content !== to.content

/** Helm still keeps a revision with the content of a release. */
const isKept = (helm: HelmState, { revision, content }: HelmSide, { id }: Pick<Release, 'id'>): boolean =>
  helmReleaseId(helm.of, content) === id &&
  helm.revisions.some((one) => one.revision === revision && one.content.hash === content)

/** A workload of deploy.json with a revision that the content leads to. One is waited for later only for pods that must be deleted. */
function isLedTo(one: HelmMove['workloads'][number], known: Known<ClusterState>): boolean {
  const workload = workloadAt(one, known)
  if (!workload || !(one.follow || isOrdered(workload.object) || isOnDelete(workload.object))) return false
  return (
    one.revision === '' ||
    isOfHelm(
      workload.revisions.find(({ name }) => name === one.revision),
      workload,
      known
    )
  )
}

/**
 * The newest revision, once no helm program of ours works on it any more.
 * @throws TargetError `changed_meanwhile` when the release is no longer what was observed, and this step did not change it.
 */
async function newestOf(
  { helm: { history }, clock, config }: KubernetesContext,
  { release, from, to }: HelmMove,
  run: Run
): Promise<HelmRecord & { content: string }> {
  const startedAt = clock.now().getTime()
  for (;;) {
    const records = await history.records(release, run.signal)
    const [newest] = records
    const observed = records.find(({ revision }) => revision === from.revision)
    if (!newest || !observed) throw changedMeanwhile(release.name, `its revision ${from.revision} is gone`)
    let content: HelmContent | undefined
    for (const record of records.filter(({ revision }) => revision >= from.revision).reverse()) {
      content = await history.content(release, record, run.signal)
      const expected = record === observed ? [from.content] : [to.content, from.content]
      if (!expected.includes(content.hash))
        throw changedMeanwhile(
          release.name,
          `someone else deployed revision ${record.revision} (${record.description})`
        )
    }
    const mayLive = newest !== observed && isPending(newest)
    // It writes nothing while a hook runs, so it may live as long as it was allowed to.
    const patienceMs = content && hasRollbackHooks(content) ? secondsOf(config) * 1000 : dyingMs
    if (!mayLive || clock.now().getTime() > startedAt + patienceMs) return { ...newest, content: content?.hash ?? '' }
    run.progress(`Helm's revision ${newest.revision} is ${newest.status}`)
    await clock.sleep(1000, run.signal)
  }
}

/** Records a pending revision of our own, whose program died, as failed. */
async function failOwnPending(
  { api, helm }: KubernetesContext,
  { release, from }: HelmMove,
  newest: HelmRecord | undefined,
  signal: AbortSignal
): Promise<void> {
  if (helm.secrets && newest && newest.revision > from.revision && isPending(newest))
    await unlock(api, release, newest.revision, signal)
}

/** Lets Helm go to one side, and keeps the replicas that autoscalers have set. */
async function keeping(
  cluster: KubernetesContext,
  { release, workloads, ...sides }: HelmMove,
  run: Run,
  goal: 'from' | 'to',
  work: () => Promise<void>
): Promise<Kept> {
  const scaled = workloads.filter(({ scaled }) => scaled)
  if (scaled.length === 0) {
    await work()
    return { kept: [], remains: [] }
  }
  const contentOf = (side: HelmSide) => contentAt(cluster, release, side, run.signal)
  const [from, to] = await Promise.all([contentOf(sides.from), contentOf(sides.to)])
  const contents = goal === 'to' ? { from, to } : { from: to, to: from }
  return keepReplicas(cluster, scaled, contents, run, work)
}

/** @throws TargetError `revision_gone` where Helm keeps no such revision with that content. */
async function contentAt(
  { helm: { history } }: KubernetesContext,
  release: HelmName,
  side: HelmSide,
  signal: AbortSignal
): Promise<HelmContent> {
  const record = (await history.records(release, signal)).find(({ revision }) => revision === side.revision)
  const content = record && (await history.content(release, record, signal))
  if (content?.hash === side.content) return content
  throw revisionGone(release.name, side)
}

const clearWithinMs = 15_000

async function callRollback(
  cluster: KubernetesContext,
  move: HelmMove,
  goal: HelmSide,
  wait: boolean,
  run: Run
): Promise<void> {
  const { release } = move
  const seconds = secondsOf(cluster.config)
  const { history, program } = cluster.helm
  const { signal } = run
  const content = await contentAt(cluster, release, goal, signal)
  const end = new AbortController()
  const watching = wait
    ? throwWhenFailed(cluster, content, anySignal(signal, end.signal)).catch((error) => end.abort(error))
    : null
  const args = [
    ...['rollback', release.name, String(goal.revision)],
    ...(wait ? ['--wait'] : []),
    ...['--timeout', `${seconds}s`],
    // How many revisions are kept is decided by upgrades; the default of 10 would delete others here.
    ...['--history-max', '0'],
    // Its lines show the progress; and a helm whose caller died ends when it cannot write them.
    '--debug'
  ]
  try {
    await program.call(args, {
      doing: `Rolling the Helm release ${release.name} back to revision ${goal.revision}`,
      namespace: release.namespace,
      signal: anySignal(signal, end.signal),
      limitMs: (seconds * 3 + 60) * 1000,
      onLine: (line) => {
        const [, ...parts] = line.split('[debug] ')
        const text = parts.join('[debug] ')
        if (/not ready|Patch|Created|Deleting|hook/i.test(text)) run.progress(oneLine(text, 200))
      }
    })
  } catch (error) {
    await cleanUp(cluster, move, signal).catch((why: unknown) =>
      run.progress(`Helm's record stays pending: ${oneLine(messageOf(why))}`)
    )
    throw advised(await explained(cluster, error, content, signal), cluster.kubectl, release, goal.revision)
  } finally {
    end.abort()
    await watching
  }
  const [newest] = await history.records(release, signal)
  if (newest?.status !== 'deployed' || (await history.content(release, newest, signal)).hash !== goal.content)
    throw changedMeanwhile(release.name, `after its rollback its revision ${newest?.revision} is ${newest?.status}`)
}

/** Fails the record that a stopped helm leaves pending, also after the time limit; what another run took over is left to that run. */
async function cleanUp(cluster: KubernetesContext, move: HelmMove, ended: AbortSignal): Promise<void> {
  if (!cluster.helm.secrets || (ended.reason as { code?: unknown } | undefined)?.code === 'lease_lost') return
  const signal = AbortSignal.timeout(clearWithinMs)
  const [newest] = await cluster.helm.history.records(move.release, signal)
  await failOwnPending(cluster, move, newest, signal)
}

/** Waits until no pod of another template is left; Helm accepts fewer. */
async function follow(cluster: KubernetesContext, one: HelmMove['workloads'][number], run: Run): Promise<void> {
  const { metadata, spec } = await readWorkload(cluster, one, run.signal)
  const to = { revision: one.revision, hash: templateHash(spec.template) }
  await followRollout(cluster, { ...one, uid: metadata.uid, from: to, to, paused: false }, run)
}

const changedMeanwhile = (name: string, why: string): TargetError =>
  new TargetError({
    what: `The Helm release ${name} was changed since the plan was made`,
    why,
    state: 'That change was left as it is.',
    next: 'Assess again, and decide by what serves now.',
    code: 'changed_meanwhile'
  })

const revisionGone = (name: string, { revision }: HelmSide): TargetError =>
  new TargetError({
    what: `The Helm release ${name} cannot be rolled back to revision ${revision}`,
    why: 'Helm no longer keeps it, or it was changed',
    next: 'Assess again: it shows the revisions that Helm still keeps.',
    code: 'revision_gone'
  })
