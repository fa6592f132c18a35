import type { JsonObject } from '../../model/json.ts'
import type { Step } from '../../model/step.ts'
import { TargetError } from '../../support/errors.ts'
import type { Run, StepResult } from '../target.ts'
import type { GitHub } from './api.ts'
import type { GitHubRelease } from './shapes.ts'
import { type MarkFailed, markFailedParams } from './steps.ts'
import { withoutWarning } from './warning.ts'

/** Makes the failed release a prerelease or a draft and puts a warning before its notes. */
export async function applyMarkFailed(github: GitHub, step: Step, run: Run): Promise<StepResult> {
  const params = markFailedParams.parse(step.params)
  const release = await github.release(params.release.id, run.signal)
  if (!release) return { detail: `${params.release.tag} was deleted; there is nothing to mark` }
  const body = release.body ?? ''
  const warned = params.warning === '' || withoutWarning(body, params.warning) !== body
  const want = {
    draft: params.as === 'draft' || release.draft,
    prerelease: params.as === 'prerelease' || release.prerelease
  }
  if (warned && want.draft === release.draft && want.prerelease === release.prerelease)
    return { detail: `${release.tag_name} already is marked` }
  await checkLatest(github, params, run)
  await github.edit(
    release,
    { ...change(release, want), ...(warned ? {} : { body: params.warning + body }), make_latest: 'false' },
    `${release.tag_name} is as it was; ${params.latest.tag} is the latest.`,
    run.signal
  )
  return { detail: params.as === 'keep' ? 'its notes begin with a warning' : `${release.tag_name} is a ${params.as}` }
}

/** Restores what it was; notes that somebody has changed since keep the change. */
export async function revertMarkFailed(github: GitHub, step: Step, run: Run): Promise<StepResult> {
  const { release: wanted, warning, former } = markFailedParams.parse(step.params)
  const release = await github.release(wanted.id, run.signal)
  if (!release) return { detail: `${wanted.tag} was deleted; there is nothing to restore` }
  const body = release.body ?? ''
  const clean = warning === '' ? body : withoutWarning(body, warning)
  if (clean === body && release.draft === former.draft && release.prerelease === former.prerelease)
    return { detail: `${release.tag_name} is as it was` }
  await github.edit(
    release,
    { ...change(release, former), ...(clean === body ? {} : { body: clean }), make_latest: 'false' },
    `${release.tag_name} still is marked as failed.`,
    run.signal
  )
  return { detail: `${release.tag_name} is as it was` }
}

/** Only what differs is sent: what is immutable refuses even to be told what it is. */
const change = (release: GitHubRelease, want: { draft: boolean; prerelease: boolean }): JsonObject => ({
  ...(want.draft !== release.draft && { draft: want.draft }),
  ...(want.prerelease !== release.prerelease && { prerelease: want.prerelease })
})

async function checkLatest(github: GitHub, { release, latest }: MarkFailed, run: Run): Promise<void> {
  const now = await github.latest(run.signal)
  if (now?.id !== release.id) return
  throw new TargetError({
    what: `${release.tag} was not marked as failed`,
    why: `it is the latest release, and ${latest.tag} is not: somebody has changed it back`,
    state: `${release.tag} is the latest; this step changed nothing.`,
    next: 'Find out who changed it and why, then assess again.',
    code: 'moved'
  })
}
