import { z } from 'zod'
import type { Step } from '../../model/step.ts'
import { TargetError } from '../../support/errors.ts'
import { oneLine } from '../../support/text.ts'
import type { StepKind } from '../define-steps.ts'
import type { Run, StepResult } from '../target.ts'
import type { NpmContext } from './context.ts'
import { explain, statusOf } from './failure.ts'
import { manualPassword, NeedsOneTimePassword } from './one-time-password.ts'
import { deprecationOf, packumentSchema } from './packument.ts'
import type { NpmSettings } from './settings.ts'

const params = z.object({
  package: z.string(),
  registry: z.string(),
  version: z.string(),
  message: z.string(),
  /** The message before, '' when the version was not deprecated. */
  former: z.string(),
  /** The tag that must no longer point at the version when the document, which carries the tags, too, is sent back. */
  tag: z.string()
})

type Params = z.infer<typeof params>

const attempts = 5

/** Cleanup: marks the failed version, so that version ranges skip it and users who pinned it get a warning. */
export function deprecateStep(settings: NpmSettings, version: string, candidate: string, former: string): Step {
  const { name, registry, tag } = settings
  const message = deprecationMessage(name, version, candidate, former)
  const planned: Params = { package: name, registry, version, message, former, tag }
  return {
    id: `deprecate:${version}`,
    kind: 'deprecate',
    phase: 'cleanup',
    title: `Deprecating ${version}`,
    params: planned,
    undo: former ? 'restore the former deprecation message' : `remove the deprecation of ${version}`,
    manualCommands: [deprecateCommand(planned, message)],
    manualUndoCommands: [deprecateCommand(planned, former)]
  }
}

const deprecationMessage = (name: string, version: string, candidate: string, former: string): string => {
  const ours = `${version} was rolled back; use ${name}@${candidate} instead.`
  return former && !former.includes(ours) ? `${former} (${ours})` : former || ours
}

const deprecateCommand = ({ package: name, registry, version }: Params, message: string): string =>
  `npm deprecate ${name}@${version} ${shellQuoted(message)} --registry=${registry}`

/** For a person's POSIX shell; this program itself runs none. */
const shellQuoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/** A message that someone else changed since then stays as it is. */
export const deprecate: StepKind<NpmContext, Params> = {
  params,
  apply: (context, planned, run) => change(context, planned, planned.former, planned.message, run),
  revert: (context, planned, run) => change(context, planned, planned.message, planned.former, run)
}

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
      return { detail: to ? `deprecated: ${oneLine(to, 160)}` : 'no longer deprecated' }
    } catch (error) {
      run.signal.throwIfAborted()
      if (error instanceof NeedsOneTimePassword) return { manual: manualPassword(deprecateCommand(planned, to)) }
      if (statusOf(error) !== 409 || attempt === attempts)
        throw explain(
          error,
          `Changing the deprecation of ${name}@${version}`,
          registry.url,
          `${version} is ${now ? 'deprecated as before' : 'not deprecated'}; this step does not change the dist-tags.`
        )
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
    why: `someone else changed it in the meantime: ${now ? `"${oneLine(now, 120)}"` : 'it is no longer deprecated'}`,
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
