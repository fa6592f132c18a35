import type { Blocker, Observation, Risk } from '../../model/observation.ts'
import type { PlanDraft } from '../../model/plan.ts'
import type { Release } from '../../model/release.ts'
import type { Step } from '../../model/step.ts'
import { fingerprint } from '../../support/canonical.ts'
import type { Netlify } from './api.ts'
import type { NetlifyConfig } from './config.ts'
import type { NetlifyState } from './observe.ts'
import { wasPublished } from './releases.ts'
import { mayPublish } from './rights.ts'

/** The one step to a former deploy: publish it again and, where the configuration says so or it was so before, lock it. */
export async function plan(
  netlify: Netlify,
  config: NetlifyConfig,
  { current }: Observation,
  { locked: wasLocked }: NetlifyState,
  release: Release,
  signal: AbortSignal
): Promise<PlanDraft> {
  const [deploy, role] = await Promise.all([netlify.readDeploy(release.id, signal), netlify.role(signal)])
  const lock = config.lock === true || wasLocked
  const rights = mayPublish(role)
  return {
    steps: [restoreStep(netlify, current, release, { lock, wasLocked })],
    risks: [...(lock ? [] : [nextPush]), ...rights.risks],
    blockers: [...(deploy && wasPublished(deploy) ? [] : [gone(release, deploy?.state)]), ...rights.blockers],
    fingerprint: fingerprint({ deploy: release.id, state: deploy?.state ?? null }),
    notes: [
      'Environment variables, functions and redirects are those of the build that is restored.',
      ...(lock
        ? ['To publish new deploys again: unlock the deploy (netlify api unlockDeploy, or "Start auto publishing").']
        : [])
    ]
  }
}

interface Locking {
  lock: boolean
  wasLocked: boolean
}

/** The lock belongs to the publication: a build that ends while the checks run would otherwise publish itself over it. */
function restoreStep(
  { site, api }: Netlify,
  current: Release | null,
  { id, version }: Release,
  { lock, wasLocked }: Locking
): Step {
  const manualCommands = (deploy: string, locks: boolean): string[] => [
    `netlify api restoreSiteDeploy --data '{"site_id":"${site}","deploy_id":"${deploy}"}'`,
    ...(locks ? [`netlify api lockDeploy --data '{"deploy_id":"${deploy}"}'`] : [])
  ]
  const opens = lock && !wasLocked
  return {
    id: 'restore',
    kind: 'restore',
    phase: 'switch',
    title: `Publishing ${version} again${opens ? ', and stopping auto publishing' : ''}`,
    params: { site, api, from: current?.id ?? null, to: id, lock, wasLocked },
    undo: current ? `Publish ${current.version} again${opens ? ', and start auto publishing' : ''}` : null,
    manualCommands: manualCommands(id, lock),
    ...(current && {
      manualUndoCommands: [
        ...(opens ? [`netlify api unlockDeploy --data '{"deploy_id":"${id}"}'`] : []),
        ...manualCommands(current.id, wasLocked)
      ]
    })
  }
}

const nextPush: Risk = {
  id: 'next_push_publishes',
  serious: false,
  title: 'The next production deploy will be published over this one',
  detail:
    'Auto publishing goes on. Set "lock": true for the target, or lock the deploy in Netlify, until a fix is ready.'
}

const gone = ({ version, id }: Release, state: string | undefined): Blocker => ({
  id: `deploy_gone:${id}`,
  what: `The deploy ${version} can no longer be published`,
  why: state ? `its state is ${state}` : `Netlify knows no deploy ${id} any more`,
  next: 'Choose another version.'
})
