import type { DeploymentRecord } from '../../model/deployment-record.ts'
import type { JsonObject } from '../../model/json.ts'
import type { Release } from '../../model/release.ts'
import { oneLine, quoted } from '../../support/text.ts'
import { leftBehind } from '../left-behind.ts'
import { namesOf } from '../release-names.ts'
import type { Rolling } from './api.ts'
import { shareOf } from './rolling-release.ts'
import type { Deployment } from './shapes.ts'

const commitKeys = ['githubCommitSha', 'gitlabCommitSha', 'bitbucketCommitSha', 'gitCommitSha']
const messageKeys = ['githubCommitMessage', 'gitlabCommitMessage', 'bitbucketCommitMessage', 'gitCommitMessage']

/** Whether a deployment once was production: built for it, ready, and given its domains. A staged one never saw its traffic. */
export const wasProduction = (deployment: Deployment): boolean =>
  isReadyForProduction(deployment) && deployment.readySubstate !== 'STAGED' && Boolean(deployment.aliasAssigned)

const isReadyForProduction = ({ target, state, readyState }: Deployment): boolean =>
  target === 'production' && (state ?? readyState) === 'READY'

export interface Production {
  deployments: readonly Deployment[]
  /** What production is at. */
  serving: string | null
  rolling: Rolling | null
  history: readonly DeploymentRecord[]
  /** How the domains answer now; kept with each release that could take the place of what serves. */
  seen: JsonObject
  /** Names that are to lead to it as well. */
  aliases: string[]
}

/** The deployments that were or are production as releases, the last one to become it first. */
export function releasesOf({ deployments, serving, rolling, history, seen, aliases }: Production): Release[] {
  const been = deployments
    .filter((one) => wasProduction(one) || one.uid === serving)
    .sort((a, b) => assignedAt(b) - assignedAt(a))
  const names = namesOf(
    been.map((deployment) => ({ id: deployment.uid, commit: commitOf(deployment) })),
    history
  )
  const behind = leftBehind(
    been.map((one) => ({ id: one.uid, createdAt: one.created, liveAt: assignedAt(one) })),
    serving
  )
  const passedOver = deployments.filter((one) => isReadyForProduction(one) && !wasProduction(one))
  return been.map((deployment, index) => {
    const next = been[index - 1]
    return {
      version: names.get(deployment.uid) ?? deployment.uid,
      id: deployment.uid,
      createdAt: iso(deployment.created),
      ...asCommit(commitOf(deployment)),
      available: availableOf(deployment),
      ...servedOf(deployment, rolling?.base === deployment.uid),
      ...(behind.has(deployment.uid) && {
        against: ['it was rolled back: an older deployment was made production after it']
      }),
      notes: notesOf(deployment, rolling, next && passedOver.some(isBetween(deployment, next))),
      details: { url: deployment.url ?? null, ...(deployment.uid !== serving && { seen, aliases }) }
    }
  })
}

/**
 * When a deployment took the domains is known; a rollback in between leaves no trace at Vercel, so for how long it served is not claimed,
 * and a failure recorded since then is not outweighed.
 */
function servedOf(deployment: Deployment, isBase: boolean): Pick<Release, 'served'> {
  if (!wasProduction(deployment)) return {}
  const from = iso(assignedAt(deployment))
  const now = isBase ? ', and serves the rest of the traffic' : ''
  return { served: { from, source: `Vercel: it was given the production domains at ${from}${now}` } }
}

function availableOf({ isRollbackCandidate, softDeletedByRetention }: Deployment): Release['available'] {
  if (softDeletedByRetention)
    return {
      state: 'no',
      reason: 'the project’s deployment retention deleted it; it may be restored in the project’s settings'
    }
  return isRollbackCandidate === false
    ? { state: 'no', reason: 'Vercel does not offer it as a rollback candidate (plan or retention)' }
    : { state: 'yes' }
}

function notesOf(deployment: Deployment, rolling: Rolling | null, passedOver: boolean | undefined): string[] {
  const message = told(deployment, messageKeys)
  const by = deployment.creator?.username
  return [
    ...(message ? [quoted(message, 100)] : []),
    ...(deployment.expiration
      ? [`the project’s deployment retention deletes it at ${iso(deployment.expiration)}`]
      : []),
    ...(by ? [`by ${oneLine(by, 60)}`] : []),
    ...(rolling?.canary === deployment.uid ? [`it is being rolled out and serves ${shareOf(rolling)}`] : []),
    ...(passedOver ? ['deployments after it were built and given no domains: perhaps there was a rollback to it'] : [])
  ]
}

const isBetween =
  (former: Deployment, next: Deployment) =>
  ({ created }: Deployment): boolean =>
    created > assignedAt(former) && created < next.created

const assignedAt = ({ aliasAssigned, created }: Deployment): number =>
  typeof aliasAssigned === 'number' ? aliasAssigned : created

const asCommit = (commit: string | null): Pick<Release, 'commit'> => (commit ? { commit } : {})

export function commitOf(deployment: Deployment): string | null {
  const commit = told(deployment, commitKeys)
  return commit && /^[0-9a-f]{7,64}$/.test(commit) ? commit : null
}

function told({ meta }: Deployment, keys: readonly string[]): string | null {
  const value = keys.map((key) => meta?.[key]).find((one) => typeof one === 'string')
  return typeof value === 'string' ? value : null
}

const iso = (ms: number): string => new Date(ms).toISOString()
