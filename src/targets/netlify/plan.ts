import type { PlanDraft } from '../../model/plan.ts'
import type { Release } from '../../model/release.ts'
import type { Step } from '../../model/step.ts'
import type { Blocker, Survey } from '../../model/survey.ts'
import type { Netlify } from './api.ts'
import type { NetlifyConfig } from './config.ts'
import { wasPublished } from './releases.ts'

/** The steps to a former deploy: publish it again, and lock it where the configuration says so. */
export async function plan(
  netlify: Netlify,
  { lock }: NetlifyConfig,
  { current }: Survey,
  release: Release,
  signal: AbortSignal
): Promise<PlanDraft> {
  const deploy = await netlify.readDeploy(release.id, signal)
  const place = { site: netlify.site, api: netlify.api }
  const restore: Step = {
    id: 'restore',
    kind: 'restore',
    phase: 'cure',
    title: `Publishing ${release.version} again`,
    params: { ...place, from: current?.id ?? null, to: release.id },
    undo: current ? `Publish ${current.version} again` : null,
    byHand: [`netlify api restoreSiteDeploy --data '{"site_id":"${netlify.site}","deploy_id":"${release.id}"}'`],
    ...(current && {
      undoByHand: [`netlify api restoreSiteDeploy --data '{"site_id":"${netlify.site}","deploy_id":"${current.id}"}'`]
    })
  }
  const stop: Step = {
    id: 'lock',
    kind: 'lock',
    phase: 'aftercare',
    title: 'Stopping auto publishing',
    params: { ...place, deploy: release.id },
    undo: 'Start auto publishing again',
    byHand: [`netlify api lockDeploy --data '{"deploy_id":"${release.id}"}'`]
  }
  return {
    steps: [restore, ...(lock ? [stop] : [])],
    risks: lock
      ? []
      : [
          {
            id: 'next_push_publishes',
            serious: false,
            title: 'The next production deploy will be published over this one',
            detail:
              'Auto publishing goes on. Set "lock": true for the target, or lock the deploy in Netlify, until a fix is ready.'
          }
        ],
    blockers: deploy && wasPublished(deploy) ? [] : [gone(release, deploy?.state)],
    fingerprint: { deploy: release.id, state: deploy?.state ?? null },
    notes: [
      'Environment variables, functions and redirects are those of the build that is restored.',
      ...(lock
        ? ['To publish new deploys again: unlock the deploy (netlify api unlockDeploy, or "Start auto publishing").']
        : [])
    ]
  }
}

const gone = ({ version, id }: Release, state: string | undefined): Blocker => ({
  id: `deploy_gone:${id}`,
  what: `The deploy ${version} can no longer be published`,
  why: state ? `its state is ${state}` : `Netlify knows no deploy ${id} any more`,
  next: 'Choose another version.'
})
