import type { DeploymentRecord } from '../../model/deployment-record.ts'
import type { Release } from '../../model/release.ts'
import { oneLine, quoted } from '../../support/text.ts'
import { leftBehind } from '../left-behind.ts'
import { namesOf } from '../release-names.ts'
import type { Deploy } from './shapes.ts'

/** Whether a deploy once was the site. A restore publishes a draft, or a deploy of another context, too. */
export const wasPublished = ({ state, published_at }: Deploy): boolean =>
  (state === 'ready' || state === 'old') && Boolean(published_at)

/** It was made to be looked at first. */
const isAside = ({ context, draft }: Deploy): boolean => draft === true || (context ?? 'production') !== 'production'

export interface Publication {
  deploys: readonly Deploy[]
  /** The published deploy. */
  published: Deploy | null
  history: readonly DeploymentRecord[]
  /** The status of the site's page now, null when it does not answer; kept with each release that could take its place. */
  seen: number | null
}

/** Deploys that are or were the site as releases, the last one to be published first. */
export function releasesOf({ deploys, published, history, seen }: Publication): Release[] {
  const been = [...deploys].sort((a, b) => publishedAt(b).localeCompare(publishedAt(a)))
  const names = namesOf(
    been.map(({ id, commit_ref: commit }) => ({ id, commit: commit ?? null })),
    history
  )
  const behind = leftBehind(
    been.map((one) => ({ id: one.id, createdAt: one.created_at ?? '', liveAt: publishedAt(one) })),
    published?.id ?? null
  )
  return been.map((deploy) => {
    const current = deploy.id === published?.id
    return {
      version: names.get(deploy.id) ?? deploy.id,
      id: deploy.id,
      ...(deploy.created_at && { createdAt: deploy.created_at }),
      ...(deploy.commit_ref && /^[0-9a-f]{7,64}$/.test(deploy.commit_ref) && { commit: deploy.commit_ref }),
      available: { state: 'yes' },
      ...(isAside(deploy) && { prerelease: true }),
      ...servedOf(deploy),
      ...(behind.has(deploy.id) && { against: ['it was rolled back: an older deploy was published after it'] }),
      notes: [
        deploy.title && quoted(deploy.title, 100),
        deploy.committer && `by ${deploy.committer}`,
        isAside(deploy) && `built as a ${deploy.draft ? 'draft' : deploy.context}`
      ].flatMap((note) => (note ? [oneLine(note, 100)] : [])),
      details: { permalink: deploy.deploy_ssl_url ?? deploy.deploy_url ?? null, ...(!current && { seen }) }
    }
  })
}

/** A restore in between may leave no trace at Netlify, so for how long it served is not claimed. */
function servedOf(deploy: Deploy): Pick<Release, 'served'> {
  const from = publishedAt(deploy)
  return from ? { served: { from, source: `Netlify: it was published at ${from}` } } : {}
}

const publishedAt = ({ published_at }: Deploy): string => published_at ?? ''
