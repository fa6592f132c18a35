import type { Blocker, Observation, Risk } from '../../model/observation.ts'
import type { PlanDraft } from '../../model/plan.ts'
import type { Release } from '../../model/release.ts'
import { fingerprint } from '../../support/canonical.ts'
import { cancelBuild } from './cancel-build.ts'
import type { NetlifyContext } from './context.ts'
import type { NetlifyState } from './observe.ts'
import { wasPublished } from './releases.ts'
import { restore } from './restore.ts'

/** Running builds are cancelled where the configuration says so; then a former deploy is published again and, where that or the state before says so, locked. */
export async function plan(
  context: NetlifyContext,
  { current }: Observation,
  { locked: wasLocked, deploys, builds }: NetlifyState,
  release: Release,
  signal: AbortSignal
): Promise<PlanDraft> {
  const { netlify, config } = context
  const deploy = deploys.find(({ id }) => id === release.id)
  const role = await netlify.role(signal)
  const lock = config.lock === true || wasLocked
  const { site, api } = netlify
  const move = { from: current, to: release }
  const params = { site, api, from: current?.id ?? null, to: release.id, lock, wasLocked }
  return {
    steps: [
      ...(config.cancel_builds ? builds : []).map(({ id: build }) =>
        cancelBuild.plan(context, { site, api, build }, move)
      ),
      restore.plan(context, params, move)
    ],
    risks: lock ? [] : [nextPush],
    blockers: [
      ...(deploy && wasPublished(deploy) ? [] : [gone(release, deploy?.state)]),
      ...(role !== null && readOnlyRoles.test(role) ? [mayNotPublish(role)] : [])
    ],
    fingerprint: fingerprint({ deploy: release.id, state: deploy?.state ?? null }),
    notes: [
      'Environment variables, functions and redirects come back as they were in that build.',
      ...(lock
        ? ['To publish new deploys again: unlock the deploy (netlify api unlockDeploy, or "Start auto publishing").']
        : [])
    ]
  }
}

/** Roles of a team that publish nothing (docs.netlify.com, "Roles and permissions"). A role that is not known blocks nothing. */
const readOnlyRoles = /^(reviewer|git[ _-]contributor|billing[ _-]admin)$/i

const nextPush: Risk = {
  id: 'next_push_publishes',
  serious: false,
  title: 'The next production deploy will be published over this one',
  detail:
    'Auto publishing stays on. Set "lock": true for the target, or lock the deploy in Netlify, until a fix is ready.'
}

const gone = ({ version, id }: Release, state: string | undefined): Blocker => ({
  id: `deploy_gone:${id}`,
  what: `The deploy ${version} can no longer be published`,
  why: state ? `its state is ${state}` : `Netlify no longer has the deploy ${id}`,
  next: 'Choose another version.'
})

const mayNotPublish = (role: string): Blocker => ({
  id: 'role_too_small',
  what: 'The token may not publish deploys',
  why: `its owner has the role ${role} in the team that owns the site`,
  next: 'Use the token of an owner or developer of the team.'
})
