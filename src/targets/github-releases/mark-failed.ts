import { z } from 'zod'
import type { JsonObject } from '../../model/json.ts'
import type { Step } from '../../model/step.ts'
import { TargetError } from '../../support/errors.ts'
import { oneLine } from '../../support/text.ts'
import type { StepKind } from '../define-steps.ts'
import type { Run } from '../target.ts'
import type { GitHub } from './api.ts'
import type { GitHubContext } from './context.ts'
import { manualEdit } from './manual-edit.ts'
import type { GitHubRelease } from './shapes.ts'
import { isWarned, warningFor, withoutWarning } from './warning.ts'

const namedRelease = z.object({ id: z.number(), tag: z.string() })

const params = z.object({
  repository: z.string(),
  api: z.string(),
  release: namedRelease,
  /** What must be the latest when this is done, and stays it. */
  latest: namedRelease,
  as: z.enum(['prerelease', 'draft', 'keep']),
  /** Put before the notes; '' when they already begin with one. */
  warning: z.string(),
  former: z.object({ draft: z.boolean(), prerelease: z.boolean() })
})

type Params = z.infer<typeof params>

/** Cleanup: users who do not ask for the latest release are kept from the failed one. */
export function markFailedStep({ github, settings }: GitHubContext, failed: GitHubRelease, good: GitHubRelease): Step {
  // An immutable release cannot become a draft.
  const as = failed.immutable && settings.failedRelease === 'draft' ? 'prerelease' : settings.failedRelease
  const planned: Params = {
    repository: github.name,
    api: github.api,
    release: { id: failed.id, tag: failed.tag_name },
    latest: { id: good.id, tag: good.tag_name },
    as,
    warning: isWarned(failed.body) ? '' : warningFor(failed.tag_name, good.tag_name),
    former: { draft: failed.draft, prerelease: failed.prerelease }
  }
  const shown = oneLine(failed.tag_name, 80)
  const edit = (options: string): string[] => [manualEdit(settings, failed.tag_name, options)]
  return {
    id: `mark-failed:${failed.tag_name}`,
    kind: 'mark-failed',
    phase: 'cleanup',
    title: as === 'keep' ? `Warning in the notes of ${shown}` : `Making ${shown} a ${as}`,
    params: planned,
    undo: `make ${shown} a full release again, without the warning in its notes`,
    manualCommands: edit(as === 'keep' ? '--notes <the notes with a warning>' : `--${as} --latest=false`),
    manualUndoCommands: edit(as === 'keep' ? '--notes <the former notes>' : `--${as}=false --latest=false`)
  }
}

export const markFailed: StepKind<GitHubContext, Params> = {
  params,

  /** Makes the failed release a prerelease or a draft and puts a warning before its notes. */
  async apply({ github }, planned, run) {
    const release = await github.release(planned.release.id, run.signal)
    if (!release) return { detail: `${planned.release.tag} was deleted; there is nothing to mark` }
    const body = release.body ?? ''
    const warned = planned.warning === '' || withoutWarning(body, planned.warning) !== body
    const want = {
      draft: planned.as === 'draft' || release.draft,
      prerelease: planned.as === 'prerelease' || release.prerelease
    }
    if (warned && want.draft === release.draft && want.prerelease === release.prerelease)
      return { detail: `${release.tag_name} is already marked` }
    await checkLatest(github, planned, run)
    await github.edit(
      release,
      { ...change(release, want), ...(warned ? {} : { body: planned.warning + body }), make_latest: 'false' },
      `${release.tag_name} is as it was; ${planned.latest.tag} is the latest.`,
      run.signal
    )
    return {
      detail: planned.as === 'keep' ? 'its notes begin with a warning' : `${release.tag_name} is a ${planned.as}`
    }
  },

  /** Restores what it was; changes that someone made to the notes since then stay. */
  async revert({ github }, { release: wanted, warning, former }, run) {
    const release = await github.release(wanted.id, run.signal)
    if (!release) return { detail: `${wanted.tag} was deleted; there is nothing to restore` }
    const body = release.body ?? ''
    const clean = warning === '' ? body : withoutWarning(body, warning)
    const unchanged = clean === body && release.draft === former.draft && release.prerelease === former.prerelease
    if (!unchanged)
      await github.edit(
        release,
        { ...change(release, former), ...(clean === body ? {} : { body: clean }), make_latest: 'false' },
        `${release.tag_name} is still marked as failed.`,
        run.signal
      )
    return { detail: `${release.tag_name} is as it was` }
  }
}

/** Only what differs is sent: an immutable release refuses even its present values. */
const change = (release: GitHubRelease, want: { draft: boolean; prerelease: boolean }): JsonObject => ({
  ...(want.draft !== release.draft && { draft: want.draft }),
  ...(want.prerelease !== release.prerelease && { prerelease: want.prerelease })
})

async function checkLatest(github: GitHub, { release, latest }: Params, run: Run): Promise<void> {
  const now = await github.latest(run.signal)
  if (now?.id !== release.id) return
  throw new TargetError({
    what: `${release.tag} was not marked as failed`,
    why: `it is the latest release, and ${latest.tag} is not: someone changed it back`,
    state: `${release.tag} is the latest; this step changed nothing.`,
    next: 'Find out who changed it and why, then assess again.',
    code: 'moved'
  })
}
