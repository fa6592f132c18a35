import { z } from 'zod'
import { statusOf } from '../../http/failure.ts'
import { RollbackError, TargetError } from '../../support/errors.ts'
import { oneLine } from '../../support/text.ts'
import { defineStep } from '../define-step.ts'
import type { Run, StepResult } from '../target.ts'
import { notRepaired } from './aftermath.ts'
import type { GitHubContext } from './context.ts'
import { manualEdit } from './manual-edit.ts'
import { isNamed, type Named, namedRelease, releaseIn } from './named-release.ts'
import type { GitHubState } from './observe.ts'
import type { GitHubRelease } from './shapes.ts'

const params = z.object({
  repository: z.string(),
  api: z.string(),
  /** null when no release was the latest. */
  from: namedRelease.nullable(),
  to: namedRelease
})

const shownWithinMs = 60_000
const attempts = 3

/** The switch: makes the candidate the latest release. */
export const markLatest = defineStep<GitHubContext, GitHubState>()({
  kind: 'mark-latest',
  phase: 'switch',
  params,
  describe({ settings }, { from, to }) {
    const shown = oneLine(to.tag, 80)
    return {
      id: 'mark-latest',
      title: `Making ${shown} the latest release`,
      undo: from ? `make ${oneLine(from.tag, 80)} the latest release again` : `take the mark from ${shown}`,
      manualCommands: [manualEdit(settings, to.tag, '--latest')],
      manualUndoCommands: [
        from ? manualEdit(settings, from.tag, '--latest') : manualEdit(settings, to.tag, '--latest=false')
      ]
    }
  },
  mismatch(_context, { from, to }, known) {
    if (!isNamed(to, known.to)) return `it makes ${to.tag} the latest release`
    const isFrom = isNamed(from, known.from) && (!from || releaseIn(known.state, from.id))
    return isFrom ? null : `it would make ${from?.tag ?? 'none'} the latest release again`
  },

  /** Changes nothing when another release has become the latest since the plan was made. */
  async apply(context, { from, to }, run) {
    const moved = await move(context, from, to, run)
    return from ? { ...moved, remains: notRepaired(from.tag, to.tag) } : moved
  },

  /** Gives the mark back, only if it still is where `apply` put it. */
  async revert(context, { from, to }, run) {
    if (from) return move(context, to, from, run)
    const latest = await context.github.latest(run.signal)
    if (latest?.id !== to.id) return { detail: `${to.tag} is not the latest release` }
    await context.github.edit(latest, { make_latest: 'false' }, `${to.tag} is still the latest release.`, run.signal)
    return { detail: `${to.tag} is no longer marked as the latest` }
  }
})

async function move(context: GitHubContext, from: Named | null, to: Named, run: Run): Promise<StepResult> {
  const { github, clock } = context
  for (let attempt = 1; ; attempt++) {
    const latest = await github.latest(run.signal)
    if (latest?.id === to.id)
      return attempt === 1 ? { detail: `${to.tag} is already the latest release` } : await shown(context, to, run)
    if ((latest?.id ?? null) !== (from?.id ?? null)) throw moved(from, latest, to)
    const release = await github.release(to.id, run.signal)
    checkStillFull(release, to, latest)
    try {
      await github.edit(
        release,
        { make_latest: 'true' },
        `${latest?.tag_name ?? 'No release'} is still the latest.`,
        run.signal
      )
      return await shown(context, to, run)
    } catch (error) {
      run.signal.throwIfAborted()
      // Without an answer it may have been done, so the next attempt first asks GitHub.
      const unclear = error instanceof RollbackError && error.retryable && (statusOf(error) ?? 500) >= 500
      if (!unclear || attempt === attempts) throw withState(error, from)
      run.progress('GitHub did not confirm the change; checking whether it was made')
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

/** Waits until GitHub itself shows the new latest release. */
async function shown({ github, clock }: GitHubContext, to: Named, run: Run): Promise<StepResult> {
  const until = clock.now().getTime() + shownWithinMs
  for (let waitMs = 200; ; waitMs = Math.min(waitMs * 2, 5000)) {
    const latest = await github.latest(run.signal)
    if (latest?.id === to.id) return { detail: `${to.tag} is the latest release` }
    if (clock.now().getTime() >= until)
      throw new TargetError({
        what: `GitHub does not show ${to.tag} as the latest release`,
        why: `it accepted the change, but a minute later it still answers ${latest?.tag_name ?? 'none'}`,
        state: `${latest?.tag_name ?? 'No release'} is shown as the latest; that may still become ${to.tag}.`,
        next: 'Assess again in a few minutes.',
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
    why: `the latest is ${latest?.tag_name ?? 'none'}, not ${from?.tag ?? 'none'}: someone else changed it`,
    state: `${latest?.tag_name ?? 'No release'} is the latest; this step changed nothing.`,
    next: 'Find out who changed it and why, then assess again.',
    code: 'moved'
  })

/** GitHub answers 404 also where the right to change something is missing. */
function withState(error: unknown, from: Named | null): unknown {
  if (statusOf(error) !== 404) return error
  return new TargetError({
    what: 'The release cannot be changed',
    why: 'GitHub answered 404, although the release exists: the token can read it and not change it, or lacks the right to change a release whose workflow files differ from the default branch (scope workflow, permission Workflows: write)',
    state: `${from?.tag ?? 'No release'} is still the latest.`,
    next: 'Use a token with write access to contents and workflows, then assess again.',
    code: 'no_rights',
    cause: error
  })
}
