import type { DomainAnswer } from './domains.ts'

export interface FakeDeployment {
  uid: string
  name: string
  url: string
  created: number
  state: string
  readySubstate: 'STAGED' | 'ROLLING' | 'PROMOTED'
  target: string | null
  creator: { uid: string; username: string }
  meta: Record<string, string>
  isRollbackCandidate: boolean | null
  /** What its project's retention makes of it. */
  expiration?: number
  softDeletedByRetention?: boolean
  aliasAssigned: number | null
  /** Of a build that failed. */
  error?: { code: string; message: string }
  /** What its pages say; no field of the API. */
  page: DomainAnswer
  /** The lines of its build log. */
  log: string[]
}

export interface Rolling {
  base: FakeDeployment
  canary: FakeDeployment
  percentage: number
}

const substateOf = ({ state, readySubstate }: FakeDeployment) => (state === 'READY' ? { readySubstate } : {})

/** A deployment as the list tells of it. */
export function listView(deployment: FakeDeployment, projectId: string): Record<string, unknown> {
  const { uid, name, url, created, state, creator, meta, target, aliasAssigned, isRollbackCandidate } = deployment
  const { expiration, softDeletedByRetention } = deployment
  return {
    uid,
    name,
    projectId,
    url,
    created,
    createdAt: created,
    source: 'git',
    state,
    readyState: state,
    ...substateOf(deployment),
    type: 'LAMBDAS',
    creator,
    inspectorUrl: null,
    meta,
    target,
    aliasError: null,
    aliasAssigned,
    isRollbackCandidate,
    ...(expiration !== undefined && { expiration }),
    ...(softDeletedByRetention !== undefined && { softDeletedByRetention })
  }
}

/** A deployment as it tells of itself. */
export function oneView(deployment: FakeDeployment, domains: string[]): Record<string, unknown> {
  const { uid, name, url, created, state, creator, meta, target, aliasAssigned, error } = deployment
  return {
    id: uid,
    name,
    url,
    createdAt: created,
    readyState: state,
    ...substateOf(deployment),
    type: 'LAMBDAS',
    creator,
    meta,
    target,
    aliasAssigned: aliasAssigned !== null,
    ...(aliasAssigned !== null && {
      alias: [...domains, automatic(deployment)],
      automaticAliases: [automatic(deployment)]
    }),
    ...(error && { errorCode: error.code, errorMessage: error.message })
  }
}

/** The name that every deployment of the branch main gets by itself. */
export const automatic = ({ name }: FakeDeployment): string => `${name}-git-main-acme.vercel.app`

const rolled = ({ uid, name, url, created, state }: FakeDeployment): Record<string, unknown> => ({
  id: uid,
  name,
  url,
  target: 'production',
  source: 'git',
  createdAt: created,
  readyState: state,
  readyStateAt: created + 30_000
})

/** A rolling release that is under way. */
export function rollingView({ base, canary, percentage }: Rolling): Record<string, unknown> {
  const stage = (index: number, targetPercentage: number) => ({
    index,
    isFinalStage: targetPercentage === 100,
    targetPercentage,
    requireApproval: targetPercentage < 100,
    duration: null
  })
  return {
    state: 'ACTIVE',
    substate: null,
    currentDeployment: rolled(base),
    canaryDeployment: rolled(canary),
    queuedDeploymentId: null,
    advancementType: 'manual-approval',
    stages: [stage(0, percentage), stage(1, 100)],
    activeStage: stage(0, percentage),
    nextStage: stage(1, 100),
    startedAt: canary.created + 60_000,
    updatedAt: canary.created + 60_000
  }
}
