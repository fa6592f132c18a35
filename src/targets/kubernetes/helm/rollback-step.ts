import type { Step } from '../../../model/step.ts'
import { messageOf, RollbackError, TargetError } from '../../../support/errors.ts'
import { oneLine } from '../../../support/text.ts'
import type { Run, StepResult } from '../../target.ts'
import type { KubernetesContext } from '../context.ts'
import { addressText } from '../objects/names.ts'
import { isHopeless, podFailureOf } from '../objects/pods.ts'
import { templateHash } from '../objects/template.ts'
import { type HelmMove, paramsOf } from '../step-params.ts'
import { currentPods, healthOf, rolloutOf } from '../workloads/health.ts'
import { readWorkload, readWorkloads, type Workload } from '../workloads/read.ts'
import { followRollout } from '../workloads/steps/follow-rollout.ts'
import { type HelmContent, type HelmRecord, hasRollbackHooks, isPending } from './history.ts'
import { findObject, sameImages } from './manifest.ts'
import { unlock } from './unlock-step.ts'

/** A helm program whose server died ends at its next line of output, which it cannot write; while it waits it says one every two seconds. */
const dyingMs = 10_000
const settleMs = 20_000

/** Lets Helm roll its release back and wait, then waits until every workload is complete. */
export async function applyHelmRollback(cluster: KubernetesContext, step: Step, run: Run): Promise<StepResult> {
  const move = paramsOf('helm_rollback', step, cluster)
  const stand = await standOf(cluster, move, run)
  const isThere = stand.content === move.to.content && stand.status === 'deployed'
  if (!isThere) {
    await clear(cluster, move, stand, run)
    await rollBack(cluster, move, move.to, { wait: move.wait, run })
  }
  for (const one of move.workloads) if (one.follow) await follow(cluster, one, run)
  return { detail: isThere ? 'already there' : `revision ${stand.revision + 1} of the release` }
}

/** Rolls the release back to what was there; that may not have been healthy, so it is not waited for long. */
export async function revertHelmRollback(cluster: KubernetesContext, step: Step, run: Run): Promise<StepResult> {
  const move = paramsOf('helm_rollback', step, cluster)
  const stand = await standOf(cluster, move, run)
  if (stand.revision === move.from.revision) return { detail: 'Helm had not begun' }
  if (stand.content === move.from.content && stand.status === 'deployed') return { detail: 'it was back already' }
  await clear(cluster, move, stand, run)
  await rollBack(cluster, move, move.from, { wait: false, run })
  const until = cluster.clock.now().getTime() + settleMs
  while (cluster.clock.now().getTime() < until) {
    const objects = await Promise.all(move.workloads.map((one) => readWorkload(cluster, one, run.signal)))
    if (objects.every((object) => rolloutOf(object).complete)) break
    await cluster.clock.sleep(500, run.signal)
  }
  return { detail: `revision ${stand.revision + 1} of the release is what was there before` }
}

interface Stand extends HelmRecord {
  content: string
}

/**
 * The newest revision, once nobody works on it any more.
 * @throws TargetError `changed_meanwhile` when the release is no longer what was observation, and not by this step.
 */
async function standOf(
  cluster: KubernetesContext,
  { release, from, to, timeout_seconds: seconds }: HelmMove,
  run: Run
): Promise<Stand> {
  const { history } = cluster.helm
  const began = cluster.clock.now().getTime()
  for (;;) {
    const records = await history.records(release, run.signal)
    const [newest] = records
    const observation = records.find(({ revision }) => revision === from.revision)
    if (!newest || !observation) throw changed(release.name, `its revision ${from.revision} is gone`)
    let content: HelmContent | undefined
    for (const record of records.filter(({ revision }) => revision >= from.revision).reverse()) {
      content = await history.content(release, record, run.signal)
      const expected = record === observation ? [from.content] : [to.content, from.content]
      if (!expected.includes(content.hash))
        throw changed(release.name, `its revision ${record.revision} (${record.description}) is somebody else's`)
    }
    const mayLive = newest !== observation && isPending(newest)
    // In a hook it is silent, so it may live as long as it was allowed to.
    const patienceMs = content && hasRollbackHooks(content) ? seconds * 1000 : dyingMs
    if (!mayLive || cluster.clock.now().getTime() > began + patienceMs)
      return { ...newest, content: content?.hash ?? '' }
    run.progress(`Helm's revision ${newest.revision} is ${newest.status}`)
    await cluster.clock.sleep(1000, run.signal)
  }
}

/** A pending revision of our own, whose program died with the server that had called it. */
async function clear(
  cluster: KubernetesContext,
  { release, from }: HelmMove,
  stand: Stand,
  { signal }: Run
): Promise<void> {
  if (stand.revision > from.revision && isPending(stand) && cluster.helm.secrets)
    await unlock(cluster.api, release, stand.revision, signal)
}

interface StrategyRisks {
  wait: boolean
  run: Run
}

async function rollBack(
  cluster: KubernetesContext,
  move: HelmMove,
  goal: HelmMove['to'],
  strategyRisks: StrategyRisks
): Promise<void> {
  const { release } = move
  const { history } = cluster.helm
  const { signal } = strategyRisks.run
  const wanted = (await history.records(release, signal)).find(({ revision }) => revision === goal.revision)
  const content = wanted && (await history.content(release, wanted, signal))
  if (content?.hash !== goal.content) throw gone(release.name, goal)
  const end = new AbortController()
  const watching = strategyRisks.wait
    ? untilHopeless(cluster, content, AbortSignal.any([signal, end.signal])).catch((error) => end.abort(error))
    : null
  try {
    await callHelm(cluster, move, goal, strategyRisks, end.signal)
  } catch (error) {
    await clearOwn(cluster, move, signal).catch((why: unknown) =>
      strategyRisks.run.progress(`Helm's record stays pending: ${oneLine(messageOf(why))}`)
    )
    throw await explained(cluster, error, move.workloads, signal)
  } finally {
    end.abort()
    await watching
  }
  const [newest] = await history.records(release, signal)
  if (newest?.status !== 'deployed' || (await history.content(release, newest, signal)).hash !== goal.content)
    throw changed(release.name, `after its rollback its revision ${newest?.revision} is ${newest?.status}`)
}

async function callHelm(
  { helm }: KubernetesContext,
  { release, timeout_seconds: seconds }: HelmMove,
  { revision }: HelmMove['to'],
  { wait, run }: StrategyRisks,
  stop: AbortSignal
): Promise<void> {
  const args = [
    ...['rollback', release.name, String(revision)],
    ...(wait ? ['--wait'] : []),
    ...['--timeout', `${seconds}s`],
    // How many revisions are kept is for whoever upgrades to say; the usual 10 would drop others here.
    ...['--history-max', '0'],
    // Its lines tell how far it is; and a helm whose caller has died ends when it cannot write them.
    '--debug'
  ]
  await helm.program.call(args, {
    doing: `Rolling Helm's release ${release.name} back to revision ${revision}`,
    namespace: release.namespace,
    signal: AbortSignal.any([run.signal, stop]),
    limitMs: (seconds * 3 + 60) * 1000,
    tell: (line) => {
      const [, text] = /\[debug\] (.*(?:not ready|Patch|Created|Deleting|hook).*)$/i.exec(line) ?? []
      if (text) run.progress(oneLine(text, 200))
    }
  })
}

const clearWithinMs = 15_000

/** What a helm that was stopped leaves behind, in the time limit's end, too; what another run has taken over is left to it. */
async function clearOwn(
  { api, helm }: KubernetesContext,
  { release, from }: HelmMove,
  ended: AbortSignal
): Promise<void> {
  if (!helm.secrets || (ended.reason as { code?: unknown } | undefined)?.code === 'lease_lost') return
  const signal = AbortSignal.timeout(clearWithinMs)
  const [left] = await helm.history.records(release, signal)
  if (left && left.revision > from.revision && isPending(left)) await unlock(api, release, left.revision, signal)
}

/** Waits until no pod of another template is left; Helm is content with fewer. */
async function follow(cluster: KubernetesContext, one: HelmMove['workloads'][number], run: Run): Promise<void> {
  const { metadata, spec } = await readWorkload(cluster, one, run.signal)
  const to = { revision: one.revision, hash: templateHash(spec.template) }
  await followRollout(cluster, { ...one, uid: metadata.uid, from: to, to, paused: false, follow: true }, run)
}

const inVain = /timed out waiting|deadline exceeded|backoff limit|progress deadline|not ready/i

/** Helm says only that it waited in vain; what the pods say of it is added. */
async function explained(
  cluster: KubernetesContext,
  error: unknown,
  workloads: HelmMove['workloads'],
  signal: AbortSignal
): Promise<unknown> {
  signal.throwIfAborted()
  if (!(error instanceof RollbackError) || !inVain.test(error.why)) return error
  const mine = new Set(workloads.map(addressText))
  const seen = await readWorkloads(cluster, signal).catch(() => [])
  const told = seen.filter(({ address }) => mine.has(addressText(address))).map((one) => healthOf(one).message)
  return new TargetError({
    what: error.what,
    why: [error.why, ...told.slice(0, 3)].join('; '),
    state: 'Helm records its revision as failed; its objects are in place.',
    next: 'Look at its pods, or choose another version.',
    code: 'not_healthy',
    cause: messageOf(error)
  })
}

const changed = (name: string, why: string): TargetError =>
  new TargetError({
    what: `Helm's release ${name} is not what the plan was made for`,
    why,
    state: 'Their change was left as it is.',
    next: 'Assess again, and decide by what serves now.',
    code: 'changed_meanwhile'
  })

const gone = (name: string, { revision }: HelmMove['to']): TargetError =>
  new TargetError({
    what: `Helm's release ${name} cannot be rolled back to revision ${revision}`,
    why: 'Helm no longer keeps it, or it is no longer what it was',
    next: 'Assess again: it shows the revisions that are still kept.',
    code: 'revision_gone'
  })

const lookEveryMs = 2000
/** How long a failure that hardly passes by itself may last before it is believed. */
const hopelessMs = 30_000

/**
 * Looks on until pods of what a revision consists of have failed for good; Helm would wait on until its time is up.
 * @throws TargetError `not_healthy` then, or the signal's reason.
 */
export async function untilHopeless(
  cluster: KubernetesContext,
  content: HelmContent,
  signal: AbortSignal
): Promise<never> {
  const { clock } = cluster
  let since: number | null = null
  for (;;) {
    await clock.sleep(lookEveryMs, signal)
    const workloads = await readWorkloads(cluster, signal).catch(() => [])
    const failing = workloads.filter((one) => isOf(one, content)).flatMap((one) => podsWithoutHope(one))
    const now = clock.now().getTime()
    since = failing.length > 0 ? (since ?? now) : null
    const [first] = failing
    if (first && since !== null && now - since > hopelessMs)
      throw new TargetError({
        what: `${addressText(first.address)} does not come up`,
        why: `its pods fail: ${first.failure}`,
        state: 'Helm was stopped, and its revision is recorded as failed; its objects are in place.',
        next: 'Look at its pods, or choose another version.',
        code: 'not_healthy'
      })
  }
}

/** Before Helm has changed a workload its pods are those of the version that is left. */
function isOf({ address, object }: Workload, { objects }: HelmContent): boolean {
  const wanted = findObject(objects, address)?.template
  return wanted !== undefined && sameImages(object.spec.template, wanted)
}

const podsWithoutHope = (workload: Workload) =>
  currentPods(workload)
    .filter(isHopeless)
    .map((pod) => ({ address: workload.address, failure: podFailureOf(pod) ?? 'no reason given' }))
