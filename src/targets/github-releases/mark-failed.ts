import { z } from 'zod'
import type { JsonObject } from '../../model/json.ts'
import { TargetError } from '../../support/errors.ts'
import { oneLine } from '../../support/text.ts'
import { defineStep } from '../define-step.ts'
import { mayBeSound } from '../release-line.ts'
import type { Known, Run } from '../target.ts'
import type { GitHub } from './api.ts'
import type { GitHubContext } from './context.ts'
import { manualEdit } from './manual-edit.ts'
import { isNamed, named, namedRelease, releaseIn } from './named-release.ts'
import { versionIn } from './names.ts'
import type { GitHubState } from './observe.ts'
import type { GitHubSettings } from './settings.ts'
import type { GitHubRelease } from './shapes.ts'
import { isWarned, warningFor, withoutWarning } from './warning.ts'

const params = z.object({
  repository: z.string(),
  api: z.string(),
  release: namedRelease,
  /** What must be the latest when this is done, and stays it. */
  latest: namedRelease,
  as: z.enum(['prerelease', 'draft']),
  /** Put before the notes; '' when they already begin with one. */
  warning: z.string()
})

type Params = z.infer<typeof params>

/** What the failed release becomes, null where it stays as it is; an immutable release cannot become a draft. */
const becomes = ({ failedRelease }: GitHubSettings, { immutable }: GitHubRelease): Params['as'] | null => {
  if (failedRelease === 'keep') return null
  return immutable ? 'prerelease' : failedRelease
}

/** Why a release that may be sound is left as it is; null where it is marked. */
export const leftAlone = (failed: string, good: string): string | null => mayBeSound(versionIn(failed), versionIn(good))

/** null where nothing is done to the failed release. */
export function markFailedParams(
  { github, settings }: GitHubContext,
  failed: GitHubRelease,
  good: GitHubRelease
): Params | null {
  const as = becomes(settings, failed)
  if (!as || leftAlone(failed.tag_name, good.tag_name)) return null
  return {
    repository: github.name,
    api: github.api,
    release: named(failed),
    latest: named(good),
    as,
    warning: isWarned(failed.body) ? '' : warningFor(failed.tag_name, good.tag_name)
  }
}

/** Only a full release is the latest, and the failed one was that. */
const full = { draft: false, prerelease: false }

/** What both kinds of steps do. */
const marking = {
  params,
  describe({ settings }: GitHubContext, { release: { tag }, as }: Params) {
    const shown = oneLine(tag, 80)
    const edit = (options: string): string[] => [manualEdit(settings, tag, options)]
    return {
      id: `mark-failed:${tag}`,
      title: `Making ${shown} a ${as}`,
      undo: `make ${shown} a full release again, without the warning in its notes`,
      manualCommands: edit(`--${as} --latest=false`),
      manualUndoCommands: edit(`--${as}=false --latest=false`)
    }
  },
  mismatch({ settings }: GitHubContext, { release, latest, as, warning }: Params, { to, state }: Known<GitHubState>) {
    const failed = releaseIn(state, release.id)
    if (!failed) return `it marks ${release.tag} as failed`
    if (!isNamed(latest, to)) return `it names ${latest.tag} as the good release`
    if (as !== becomes(settings, failed) || leftAlone(release.tag, latest.tag)) return `it makes ${release.tag} a ${as}`
    const said = warning === '' ? isWarned(failed.body) : warning === warningFor(release.tag, latest.tag)
    return said ? null : 'its warning is another one'
  },

  /** Makes the failed release a prerelease or a draft and puts a warning before its notes. */
  async apply({ github }: GitHubContext, planned: Params, run: Run) {
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
    return { detail: `${release.tag_name} is a ${planned.as}` }
  },

  /** Restores what it was; changes that someone made to the notes since then stay. */
  async revert({ github }: GitHubContext, { release: wanted, warning }: Params, run: Run) {
    const release = await github.release(wanted.id, run.signal)
    if (!release) return { detail: `${wanted.tag} was deleted; there is nothing to restore` }
    const body = release.body ?? ''
    const clean = warning === '' ? body : withoutWarning(body, warning)
    const unchanged = clean === body && !release.draft && !release.prerelease
    if (!unchanged)
      await github.edit(
        release,
        { ...change(release, full), ...(clean === body ? {} : { body: clean }), make_latest: 'false' },
        `${release.tag_name} is still marked as failed.`,
        run.signal
      )
    return { detail: `${release.tag_name} is as it was` }
  }
}

/** Cleanup: users who do not ask for the latest release are kept from the failed one. */
export const markFailed = defineStep<GitHubContext, GitHubState>()({
  ...marking,
  kind: 'mark-failed',
  phase: 'cleanup',
  mismatch: (context, planned, known) =>
    isNamed(planned.release, known.from)
      ? marking.mismatch(context, planned, known)
      : `it marks ${planned.release.tag} as failed`
})

/** The switch in a series without GitHub's mark: the newest full release is what users take, so newer ones must be none. */
export const withdraw = defineStep<GitHubContext, GitHubState>()({ ...marking, kind: 'withdraw', phase: 'switch' })

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
