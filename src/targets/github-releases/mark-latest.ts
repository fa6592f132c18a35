import { statusOf } from '../../http/failure.ts'
import type { Step } from '../../model/step.ts'
import type { Clock } from '../../support/clock.ts'
import { RollbackError, TargetError } from '../../support/errors.ts'
import type { Run, StepResult } from '../target.ts'
import type { GitHub } from './api.ts'
import type { GitHubRelease } from './shapes.ts'
import { type MarkLatest, markLatestParams } from './steps.ts'

const shownWithinMs = 60_000
const attempts = 3

/** Makes the candidate the latest release, unless another one has become it since the plan was made. */
export async function applyMarkLatest(github: GitHub, clock: Clock, step: Step, run: Run): Promise<StepResult> {
  const { from, to } = markLatestParams.parse(step.params)
  return await move(github, clock, from, to, run)
}

/** Gives the mark back, only if it still is where `apply` put it. */
export async function revertMarkLatest(github: GitHub, clock: Clock, step: Step, run: Run): Promise<StepResult> {
  const { from, to } = markLatestParams.parse(step.params)
  if (from) return await move(github, clock, to, from, run)
  const latest = await github.latest(run.signal)
  if (latest?.id !== to.id) return { detail: `${to.tag} is not the latest release` }
  await github.edit(latest, { make_latest: 'false' }, `${to.tag} still is the latest release.`, run.signal)
  return { detail: `${to.tag} has no mark any more` }
}

type Named = MarkLatest['to']

async function move(github: GitHub, clock: Clock, from: Named | null, to: Named, run: Run): Promise<StepResult> {
  for (let attempt = 1; ; attempt++) {
    const latest = await github.latest(run.signal)
    if (latest?.id === to.id)
      return attempt === 1 ? { detail: `${to.tag} already is the latest release` } : await shown(github, clock, to, run)
    if ((latest?.id ?? null) !== (from?.id ?? null)) throw moved(from, latest, to)
    const release = await github.release(to.id, run.signal)
    checkStillFull(release, to, latest)
    try {
      await github.edit(
        release,
        { make_latest: 'true' },
        `${latest?.tag_name ?? 'No release'} still is the latest.`,
        run.signal
      )
      return await shown(github, clock, to, run)
    } catch (error) {
      run.signal.throwIfAborted()
      // no answer, or a server's failure: it may have been done, so GitHub is asked before it is tried again
      const unclear = error instanceof RollbackError && error.retryable && (statusOf(error) ?? 500) >= 500
      if (!unclear || attempt === attempts) throw withState(error, from)
      run.progress('GitHub did not confirm it; looking whether it was done')
      await clock.sleep(500 * attempt, run.signal)
    }
  }
}

function checkStillFull(
  release: GitHubRelease | null,
  to: Named,
  latest: GitHubRelease | null
): asserts release is GitHubRelease {
  const why = !release
    ? 'it was deleted'
    : release.tag_name !== to.tag
      ? `it now has the tag ${release.tag_name}`
      : release.draft || release.prerelease
        ? `it is a ${release.draft ? 'draft' : 'prerelease'} now, and GitHub lets only a full release be the latest`
        : null
  if (why)
    throw new TargetError({
      what: `${to.tag} was not made the latest release`,
      why,
      state: `${latest?.tag_name ?? 'No release'} is the latest; this step changed nothing.`,
      next: 'Find out who changed it and why, then assess again.',
      code: 'candidate_changed'
    })
}

/** Waits until GitHub itself answers with it. */
async function shown(github: GitHub, clock: Clock, to: Named, run: Run): Promise<StepResult> {
  const until = clock.now().getTime() + shownWithinMs
  for (let waitMs = 200; ; waitMs = Math.min(waitMs * 2, 5000)) {
    const latest = await github.latest(run.signal)
    if (latest?.id === to.id) return { detail: `${to.tag} is the latest release` }
    if (clock.now().getTime() >= until)
      throw new TargetError({
        what: `GitHub does not show ${to.tag} as the latest release`,
        why: `it accepted the change, and a minute later still answers ${latest?.tag_name ?? 'none'}`,
        state: `${latest?.tag_name ?? 'No release'} reads as the latest; it may become ${to.tag} later.`,
        next: 'Look again in some minutes with an assessment.',
        code: 'not_shown',
        retryable: true
      })
    run.progress(`GitHub still answers ${latest?.tag_name ?? 'none'}`)
    await clock.sleep(waitMs, run.signal)
  }
}

const moved = (from: Named | null, latest: GitHubRelease | null, to: Named): TargetError =>
  new TargetError({
    what: `${to.tag} was not made the latest release`,
    why: `the latest is ${latest?.tag_name ?? 'none'}, not ${from?.tag ?? 'none'}: somebody else has changed it`,
    state: `${latest?.tag_name ?? 'No release'} is the latest; this step changed nothing.`,
    next: 'Find out who changed it and why, then assess again.',
    code: 'moved'
  })

/** GitHub answers 404 to whoever may not change what they can see. */
function withState(error: unknown, from: Named | null): unknown {
  if (statusOf(error) !== 404) return error
  return new TargetError({
    what: 'The release cannot be changed',
    why: 'GitHub answered 404, though the release is there: the token may read it and not change it, or lacks the right to change a release whose workflow files differ from the default branch (scope workflow, permission Workflows: write)',
    state: `${from?.tag ?? 'No release'} still is the latest.`,
    next: 'Use a token with write access to contents and workflows, then assess again.',
    code: 'no_rights',
    cause: error
  })
}
