import semver from 'semver'
import { z } from 'zod'
import { TargetError } from '../../support/errors.ts'
import { shellWord } from '../../support/shell-word.ts'
import { quoted } from '../../support/text.ts'
import { defineStep } from '../define-step.ts'
import { mayBeSound } from '../release-line.ts'
import type { Run, StepResult } from '../target.ts'
import type { NpmContext } from './context.ts'
import { explain, statusOf } from './failure.ts'
import { isVersion } from './names.ts'
import type { NpmState } from './observe.ts'
import { manualPassword, NeedsOneTimePassword } from './one-time-password.ts'
import { deprecationOf, packumentSchema } from './packument.ts'

const params = z.object({
  package: z.string(),
  registry: z.string(),
  version: z.string().refine(isVersion),
  message: z.string(),
  /** The message before, '' when the version was not deprecated. */
  former: z.string(),
  /** The tag that must no longer point at the version when the document, which carries the tags, too, is sent back. */
  tag: z.string()
})

type Params = z.infer<typeof params>

const attempts = 5

/**
 * Cleanup: marks the failed version, so that version ranges skip it and users who pinned it get a warning. A message that someone else
 * changed since then stays as it is.
 */
export const deprecate = defineStep<NpmContext, NpmState>()({
  kind: 'deprecate',
  phase: 'cleanup',
  params,
  describe: (_context, planned) => ({
    id: `deprecate:${planned.version}`,
    title: `Deprecating ${planned.version}`,
    undo: planned.former ? 'restore the former deprecation message' : `remove the deprecation of ${planned.version}`,
    manualCommands: [deprecateCommand(planned, planned.message)],
    manualUndoCommands: [deprecateCommand(planned, planned.former)]
  }),
  mismatch({ settings }, { package: name, version, message, former, tag }, { from, to, state }) {
    if (tag !== settings.tag) return `it is about the tag ${tag}, and deploy.json names ${settings.tag}`
    const isBetween =
      from && settings.deprecate === 'between' && semver.gt(version, to.version) && semver.lt(version, from.version)
    if (version !== from?.version && !isBetween) return `it deprecates ${version}`
    const sound = mayBeSound(from.version, to.version)
    if (sound) return `it deprecates ${version}, which may be sound: ${sound}`
    if (message !== deprecationMessage(name, version, to.version, former)) return 'its message is another one'
    const manifest = state.packument.versions[version]
    const isThere = manifest !== undefined && [former, message].includes(deprecationOf(manifest))
    return isThere ? null : `${version} is not deprecated in these words`
  },
  apply: (context, planned, run) => change(context, planned, planned.former, planned.message, run),
  revert: (context, planned, run) => change(context, planned, planned.message, planned.former, run)
})

/** What users of a failed version read, after what was there before. */
export const deprecationMessage = (name: string, version: string, candidate: string, former: string): string => {
  const ours = `${version} was rolled back; use ${name}@${candidate} instead.`
  return former && !former.includes(ours) ? `${former} (${ours})` : former || ours
}

/** What a person types for it. */
export const deprecateCommand = ({ package: name, registry, version }: Params, message: string): string =>
  `npm deprecate ${name}@${version} ${shellWord(message)} --registry=${registry}`

/** Reads the whole document, changes one field and sends it back with its revision; on a conflict, from the start. */
async function change(
  { registry, authority, clock }: NpmContext,
  planned: Params,
  from: string,
  to: string,
  run: Run
): Promise<StepResult> {
  const { package: name, version, tag, message } = planned
  for (let attempt = 1; ; attempt++) {
    const document = await registry.document(run.signal)
    const { versions, 'dist-tags': tags } = packumentSchema.parse(document)
    const manifest = versions[version]
    if (!manifest) return { detail: `${version} is no longer published` }
    const now = deprecationOf(manifest)
    if (now === to) return { detail: to ? 'already deprecated' : 'not deprecated' }
    if (now !== from) throw changed(name, version, now)
    if (to === message && tags[tag] === version) throw stillTagged(name, tag, version)
    try {
      await authority.write((write) => registry.putDocument(withDeprecation(document, version, to), write), run)
      return { detail: to ? `deprecated: ${quoted(to, 160)}` : 'no longer deprecated' }
    } catch (error) {
      run.signal.throwIfAborted()
      if (error instanceof NeedsOneTimePassword) return { manual: manualPassword(error, deprecateCommand(planned, to)) }
      if (statusOf(error) !== 409 || attempt === attempts)
        throw explain(error, `Changing the deprecation of ${name}@${version}`, registry.url, {
          state: `${version} is ${now ? 'deprecated as before' : 'not deprecated'}; this step does not change the dist-tags.`
        })
      run.progress('someone else changed the package at the same moment; reading it again')
      await clock.sleep(100 * 2 ** attempt, run.signal)
    }
  }
}

/** An empty message removes a deprecation and must be sent: a missing field would leave it. */
function withDeprecation(document: Record<string, unknown>, version: string, message: string): Record<string, unknown> {
  const versions = document.versions as Record<string, Record<string, unknown>>
  return { ...document, versions: { ...versions, [version]: { ...versions[version], deprecated: message } } }
}

const changed = (name: string, version: string, now: string): TargetError =>
  new TargetError({
    what: `The deprecation of ${name}@${version} was not changed`,
    why: `someone else changed it in the meantime: ${now ? quoted(now, 120) : 'it is no longer deprecated'}`,
    state: 'The deprecation is as they left it.',
    next: 'Decide which message is right, and set it with npm deprecate.',
    code: 'moved'
  })

const stillTagged = (name: string, tag: string, version: string): TargetError =>
  new TargetError({
    what: `${name}@${version} was not deprecated`,
    why: `the registry’s document still has ${tag} at ${version}, and sending it back would move the tag back`,
    state: `${version} is not deprecated.`,
    next: 'Assess again to see where the tag points, then deprecate.',
    code: 'stale_document',
    retryable: true
  })
