import { z } from 'zod'
import type { Step } from '../../model/step.ts'
import { oneLine, plain } from '../../support/text.ts'
import type { GitHubSettings } from './settings.ts'
import type { GitHubRelease } from './shapes.ts'
import { isWarned, warningFor } from './warning.ts'

const namedRelease = z.object({ id: z.number(), tag: z.string() })

export const markLatestParams = z.object({
  repository: z.string(),
  api: z.string(),
  /** null when no release was the latest. */
  from: namedRelease.nullable(),
  to: namedRelease
})

export const markFailedParams = z.object({
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

export type MarkLatest = z.infer<typeof markLatestParams>
export type MarkFailed = z.infer<typeof markFailedParams>

const named = ({ id, tag_name: tag }: GitHubRelease): MarkLatest['to'] => ({ id, tag })

const repositoryOf = ({ owner, name }: GitHubSettings): string => `${owner}/${name}`

/** For a person's POSIX shell; this program itself runs none. git lets tags hold what a shell would read. */
const shellWord = (tag: string): string => (/^[\w.@+/-]+$/.test(tag) ? tag : `'${plain(tag).replaceAll("'", "'\\''")}'`)

/** For gh, which takes another host than github.com before the name. */
const onHost = (settings: GitHubSettings): string =>
  settings.host === 'github.com' ? repositoryOf(settings) : `${settings.host}/${repositoryOf(settings)}`

/** Makes the candidate the latest release: the switch. */
export function markLatestStep(settings: GitHubSettings, from: GitHubRelease | null, to: GitHubRelease): Step {
  const params: MarkLatest = {
    repository: repositoryOf(settings),
    api: settings.api,
    from: from && named(from),
    to: named(to)
  }
  const edit = (tag: string): string => `gh release edit ${shellWord(tag)} --repo ${onHost(settings)} --latest`
  return {
    id: 'mark-latest',
    kind: 'mark-latest',
    phase: 'switch',
    title: `Making ${oneLine(to.tag_name, 80)} the latest release`,
    params,
    undo: from
      ? `make ${oneLine(from.tag_name, 80)} the latest release again`
      : `take the mark from ${oneLine(to.tag_name, 80)}`,
    manualCommands: [edit(to.tag_name)],
    manualUndoCommands: [
      from ? edit(from.tag_name) : `gh release edit ${shellWord(to.tag_name)} --repo ${onHost(settings)} --latest=false`
    ]
  }
}

/** Takes the failed release out of the way of whoever does not ask for the latest: cleanup. */
export function markFailedStep(settings: GitHubSettings, failed: GitHubRelease, good: GitHubRelease): Step {
  // what is immutable cannot become a draft
  const as = failed.immutable && settings.failedRelease === 'draft' ? 'prerelease' : settings.failedRelease
  const params: MarkFailed = {
    repository: repositoryOf(settings),
    api: settings.api,
    release: named(failed),
    latest: named(good),
    as,
    warning: isWarned(failed.body) ? '' : warningFor(failed.tag_name, good.tag_name),
    former: { draft: failed.draft, prerelease: failed.prerelease }
  }
  const edit = `gh release edit ${shellWord(failed.tag_name)} --repo ${onHost(settings)}`
  const shown = oneLine(failed.tag_name, 80)
  const flag = as === 'keep' ? '' : ` --${as}`
  return {
    id: `mark-failed:${failed.tag_name}`,
    kind: 'mark-failed',
    phase: 'cleanup',
    title: as === 'keep' ? `Warning in the notes of ${shown}` : `Making ${shown} a ${as}`,
    params,
    undo: `make ${shown} a full release again, without the warning in its notes`,
    manualCommands: as === 'keep' ? [`${edit} --notes <the notes with a warning>`] : [`${edit}${flag} --latest=false`],
    manualUndoCommands: as === 'keep' ? [`${edit} --notes <the former notes>`] : [`${edit}${flag}=false --latest=false`]
  }
}
