import type { DeploymentRecord } from '../../model/deployment-record.ts'
import type { Release } from '../../model/release.ts'
import { oneLine } from '../../support/text.ts'
import type { Deployment } from './shapes.ts'

const commitKeys = ['githubCommitSha', 'gitlabCommitSha', 'bitbucketCommitSha', 'gitCommitSha']
const messageKeys = ['githubCommitMessage', 'gitlabCommitMessage', 'bitbucketCommitMessage', 'gitCommitMessage']

/** Whether a deployment once was production: built for it, ready, and given its domains. */
export const wasProduction = ({ target, state, readyState, aliasAssigned }: Deployment): boolean =>
  target === 'production' && (state ?? readyState) === 'READY' && Boolean(aliasAssigned)

/** Deployments as releases. What deploy.json calls one counts first, then its commit where no other has it, then its id. */
export function releasesOf(deployments: readonly Deployment[], history: readonly DeploymentRecord[]): Release[] {
  const newest = [...deployments].sort((a, b) => assignedAt(b) - assignedAt(a))
  const commits = deployments.map((deployment) => commitOf(deployment)?.slice(0, 7))
  return newest.map((deployment, index) => {
    const commit = commitOf(deployment)?.slice(0, 7)
    const recorded = history.find((record) => record.digest === deployment.uid)?.version
    const own = commit && commits.filter((other) => other === commit).length === 1 ? commit : deployment.uid
    const next = newest[index - 1]
    return releaseOf(deployment, recorded ?? own, next && assignedAt(next))
  })
}

function releaseOf(deployment: Deployment, version: string, supersededAt: number | undefined): Release {
  const { uid, created, isRollbackCandidate, creator, url } = deployment
  const commit = commitOf(deployment)
  const from = assignedAt(deployment)
  const message = told(deployment, messageKeys)
  const notes = [message && oneLine(message, 100), creator?.username && `by ${oneLine(creator.username, 60)}`]
  return {
    version,
    id: uid,
    createdAt: iso(created),
    ...(commit && { commit }),
    available:
      isRollbackCandidate === false
        ? { state: 'no', reason: 'Vercel does not offer it as a rollback candidate (plan or retention)' }
        : { state: 'yes' },
    ...(wasProduction(deployment) && {
      served: {
        from: iso(from),
        ...(supersededAt !== undefined && { until: iso(supersededAt), forMs: Math.max(0, supersededAt - from) }),
        source: 'Vercel: production domains were assigned, then the next took them'
      }
    }),
    notes: notes.flatMap((note) => (note ? [note] : [])),
    details: { url: url ?? null }
  }
}

const assignedAt = ({ aliasAssigned, created }: Deployment): number =>
  typeof aliasAssigned === 'number' ? aliasAssigned : created

export function commitOf(deployment: Deployment): string | null {
  const commit = told(deployment, commitKeys)
  return commit && /^[0-9a-f]{7,64}$/.test(commit) ? commit : null
}

function told({ meta }: Deployment, keys: readonly string[]): string | null {
  const value = keys.map((key) => meta?.[key]).find((one) => typeof one === 'string')
  return typeof value === 'string' ? value : null
}

const iso = (ms: number): string => new Date(ms).toISOString()
