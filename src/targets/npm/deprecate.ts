import type { Step } from '../../model/step.ts'
import type { Clock } from '../../support/clock.ts'
import { TargetError } from '../../support/errors.ts'
import { oneLine } from '../../support/text.ts'
import type { Run, StepResult } from '../target.ts'
import { explain, statusOf } from './failure.ts'
import { type Authority, NeedsOneTimePassword } from './one-time-password.ts'
import { deprecationOf, packumentSchema } from './packument.ts'
import type { Registry } from './registry.ts'
import { type Deprecate, deprecateParams } from './steps.ts'

const attempts = 5

/** Deprecates the failed version, unless somebody has deprecated it in other words meanwhile. */
export async function applyDeprecate(
  registry: Registry,
  authority: Authority,
  clock: Clock,
  step: Step,
  run: Run
): Promise<StepResult> {
  const params = deprecateParams.parse(step.params)
  return await say(
    registry,
    authority,
    clock,
    params,
    params.former,
    params.message,
    true,
    run,
    step.manualCommands ?? []
  )
}

/** Restores the former message, only if the present one is what `apply` set. */
export async function revertDeprecate(
  registry: Registry,
  authority: Authority,
  clock: Clock,
  step: Step,
  run: Run
): Promise<StepResult> {
  const params = deprecateParams.parse(step.params)
  return await say(
    registry,
    authority,
    clock,
    params,
    params.message,
    params.former,
    false,
    run,
    step.manualUndoCommands ?? []
  )
}

/** The whole document is read, changed in one field and sent back with its revision; on a conflict, from the start. */
async function say(
  registry: Registry,
  authority: Authority,
  clock: Clock,
  params: Deprecate,
  from: string,
  to: string,
  tagMustHaveMoved: boolean,
  run: Run,
  manualCommands: string[]
): Promise<StepResult> {
  const { package: name, version } = params
  for (let attempt = 1; ; attempt++) {
    const document = await registry.document(run.signal)
    const { versions, 'dist-tags': tags } = packumentSchema.parse(document)
    const manifest = versions[version]
    if (!manifest) return { detail: `${version} is not published any more` }
    const now = deprecationOf(manifest)
    if (now === to) return { detail: to ? 'already deprecated so' : 'not deprecated' }
    if (now !== from) throw changed(name, version, now)
    if (tagMustHaveMoved && tags[params.tag] === version) throw stillTagged(name, params.tag, version)
    try {
      await authority.write((write) => registry.putDocument(withDeprecation(document, version, to), write), run)
      return { detail: to ? `deprecated: ${oneLine(to, 160)}` : 'no longer deprecated' }
    } catch (error) {
      run.signal.throwIfAborted()
      if (error instanceof NeedsOneTimePassword) return { manual: askPerson(manualCommands) }
      if (statusOf(error) !== 409 || attempt === attempts)
        throw explain(
          error,
          `Changing the deprecation of ${name}@${version}`,
          registry.url,
          `${version} is ${now ? 'deprecated as before' : 'not deprecated'}; the dist-tags are untouched by this step.`
        )
      run.progress('somebody else changed the package at the same moment; reading it again')
      await clock.sleep(100 * 2 ** attempt, run.signal)
    }
  }
}

/** An empty message takes a deprecation away, and has to be sent: a missing field would leave it. */
function withDeprecation(document: Record<string, unknown>, version: string, message: string): Record<string, unknown> {
  const versions = document.versions as Record<string, Record<string, unknown>>
  return { ...document, versions: { ...versions, [version]: { ...versions[version], deprecated: message } } }
}

const changed = (name: string, version: string, now: string): TargetError =>
  new TargetError({
    what: `The deprecation of ${name}@${version} was not changed`,
    why: `somebody else has changed it meanwhile: ${now ? `"${oneLine(now, 120)}"` : 'it is not deprecated any more'}`,
    state: 'The deprecation is as they left it.',
    next: 'Decide by hand which message shall stand.',
    code: 'moved'
  })

const stillTagged = (name: string, tag: string, version: string): TargetError =>
  new TargetError({
    what: `${name}@${version} was not deprecated`,
    why: `the document to send back still has ${tag} at ${version}, and sending it would move the tag back`,
    state: `${version} is not deprecated.`,
    next: 'Look where the tag points with an assessment; deprecate afterwards.',
    code: 'stale_document',
    retryable: true
  })

const askPerson = (manualCommands: string[]): string[] => [
  'The registry asks for a one-time password and offers no web login to a program.',
  'Run this where you can enter the password (add --otp=<code> for an authenticator app):',
  ...manualCommands
]
