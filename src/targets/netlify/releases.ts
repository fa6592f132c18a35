import type { DeploymentRecord } from '../../model/deployment-record.ts'
import type { Release } from '../../model/release.ts'
import { oneLine } from '../../support/text.ts'
import type { Deploy } from './shapes.ts'

/** Whether a deploy once was the site: a finished production deploy that was published, no draft, preview or branch deploy. */
export const wasPublished = ({ context, state, draft, published_at }: Deploy): boolean =>
  (context ?? 'production') === 'production' &&
  (state === 'ready' || state === 'old') &&
  !draft &&
  Boolean(published_at)

/** Deploys as releases. What deploy.json calls one counts first, then its commit where no other has it, then its id. */
export function releasesOf(deploys: readonly Deploy[], history: readonly DeploymentRecord[]): Release[] {
  const byPublication = [...deploys].sort((a, b) => (b.published_at ?? '').localeCompare(a.published_at ?? ''))
  const commits = deploys.map(shortCommit)
  return byPublication.map((deploy, index) => {
    const commit = shortCommit(deploy)
    const recorded = history.find((record) => record.digest === deploy.id)?.version
    const own = commit && commits.filter((other) => other === commit).length === 1 ? commit : deploy.id
    return releaseOf(deploy, recorded ?? own, byPublication[index - 1]?.published_at ?? undefined)
  })
}

function releaseOf(deploy: Deploy, version: string, supersededAt: string | undefined): Release {
  const from = deploy.published_at ?? undefined
  const forMs = from && supersededAt ? Date.parse(supersededAt) - Date.parse(from) : undefined
  return {
    version,
    id: deploy.id,
    ...(deploy.created_at && { createdAt: deploy.created_at }),
    ...(deploy.commit_ref && /^[0-9a-f]{7,64}$/.test(deploy.commit_ref) && { commit: deploy.commit_ref }),
    available: { state: 'yes' },
    ...(from && {
      served: {
        from,
        ...(supersededAt && { until: supersededAt }),
        ...(forMs !== undefined && forMs >= 0 && { forMs }),
        source: 'Netlify: published, then superseded by the next'
      }
    }),
    notes: [deploy.title, deploy.committer && `by ${deploy.committer}`].flatMap((note) =>
      note ? [oneLine(note, 100)] : []
    ),
    details: { permalink: deploy.deploy_ssl_url ?? deploy.deploy_url ?? null }
  }
}

const shortCommit = ({ commit_ref: commit }: Deploy): string | null => (commit ? commit.slice(0, 7) : null)
