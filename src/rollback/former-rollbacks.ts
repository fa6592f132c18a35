import type { DeploymentRecord } from '../model/deployment-record.ts'
import type { Release } from '../model/release.ts'
import type { FormerRollback } from './candidates.ts'
import type { Story } from './journal.ts'

/** Former rollbacks whose candidate did not come up; one that failed for another reason says nothing about its candidate. */
export const failedReturns = (stories: readonly Story[]): FormerRollback[] =>
  stories.flatMap(({ begun, events, ended }) => {
    const failedCheck = events.some(
      (event) => event.event === 'checks' && event.checks.some(({ status }) => status === 'fail')
    )
    const notHealthy = events.some((event) => event.event === 'step' && event.code === 'not_healthy')
    const failed = ended && (ended.outcome === 'restored' || ended.outcome === 'stuck') && (failedCheck || notHealthy)
    return failed ? [{ ...told(begun.to, begun.rollbackId, ended.at), tells: 'a return to it did not come up' }] : []
  })

/** What a person was left to roll back, and did: deploy.json has no record of it, and the version that was left is not to come back. */
export const leftByHand = (stories: readonly Story[], current: Release | null): FormerRollback[] =>
  stories.flatMap(({ begun, ended }) =>
    ended?.outcome === 'manual' && begun.from && current?.id === begun.to.id && begun.from.id !== current.id
      ? [{ ...told(begun.from, begun.rollbackId, ended.at), tells: 'rolled back from by hand' }]
      : []
  )

/** deploy.json has a record of this rollback. */
export const settled = (history: readonly DeploymentRecord[], id: string): boolean =>
  history.some(({ rollbackId, status }) => rollbackId === id && status === 'rolled_back')

const told = ({ version, id }: Release, rollbackId: string, at: string) => ({ version, id, at, rollbackId })
