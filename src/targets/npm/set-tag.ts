import type { Step } from '../../model/step.ts'
import type { Clock } from '../../support/clock.ts'
import { TargetError } from '../../support/errors.ts'
import type { Run, StepResult } from '../target.ts'
import { explain } from './failure.ts'
import { type Authority, NeedsOneTimePassword } from './one-time-password.ts'
import type { Registry } from './registry.ts'
import { type SetTag, setTagParams } from './steps.ts'

const answersWithinMs = 60_000

/** Points the tag at the candidate, unless somebody has pointed it elsewhere since the plan was made. */
export async function applySetTag(
  registry: Registry,
  authority: Authority,
  clock: Clock,
  step: Step,
  run: Run
): Promise<StepResult> {
  const params = setTagParams.parse(step.params)
  return await move(registry, authority, clock, params, params.from, params.to, run, step.manualCommands ?? [])
}

/** Points it back, only if it still is what `apply` set. */
export async function revertSetTag(
  registry: Registry,
  authority: Authority,
  clock: Clock,
  step: Step,
  run: Run
): Promise<StepResult> {
  const params = setTagParams.parse(step.params)
  return await move(registry, authority, clock, params, params.to, params.from, run, step.manualUndoCommands ?? [])
}

async function move(
  registry: Registry,
  authority: Authority,
  clock: Clock,
  { package: name, tag }: SetTag,
  from: string | null,
  to: string | null,
  run: Run,
  manualCommands: string[]
): Promise<StepResult> {
  const now = (await registry.distTags(run.signal))[tag] ?? null
  if (now === to) return { detail: to === null ? `${tag} is not set` : `${tag} already points at ${to}` }
  if (now !== from) throw moved(name, tag, from, now)
  try {
    await authority.write(
      (write) => (to === null ? registry.deleteTag(tag, write) : registry.putTag(tag, to, write)),
      run
    )
  } catch (error) {
    run.signal.throwIfAborted()
    if (error instanceof NeedsOneTimePassword) return { manual: askPerson(manualCommands, tag, from) }
    throw explain(
      error,
      `Pointing ${tag} of ${name} to ${to ?? 'nothing'}`,
      registry.url,
      `${tag} still points at ${from ?? 'nothing'}.`
    )
  }
  return await answered(registry, clock, name, tag, to, run)
}

/** Waits until the registry itself answers with the new tag, for some accept a write before they show it. */
async function answered(
  registry: Registry,
  clock: Clock,
  name: string,
  tag: string,
  to: string | null,
  run: Run
): Promise<StepResult> {
  const until = clock.now().getTime() + answersWithinMs
  for (let waitMs = 100; ; waitMs = Math.min(waitMs * 2, 5000)) {
    const [tags, packument] = await Promise.all([registry.distTags(run.signal), registry.packument(run.signal)])
    const listed = tags[tag] ?? null
    const page = packument['dist-tags'][tag] ?? null
    if (listed === to && page === to) return { detail: `${tag} is ${to ?? 'not set'}` }
    if (clock.now().getTime() >= until) {
      if (listed === to)
        return { detail: `${tag} is ${to}; a cache before the registry still answers ${page ?? 'nothing'}` }
      throw notShown(name, tag, to, listed)
    }
    run.progress(`the registry still answers ${listed === to ? page : listed}`)
    await clock.sleep(waitMs, run.signal)
  }
}

const moved = (name: string, tag: string, from: string | null, now: string | null): TargetError =>
  new TargetError({
    what: `${tag} of ${name} was not moved`,
    why: `it points at ${now ?? 'nothing'}, not at ${from ?? 'nothing'}: somebody else has moved it`,
    state: `${tag} points at ${now ?? 'nothing'}; this step changed nothing.`,
    next: 'Find out who moved it and why, then assess again.',
    code: 'moved'
  })

const notShown = (name: string, tag: string, to: string | null, listed: string | null): TargetError =>
  new TargetError({
    what: `${tag} of ${name} does not show the change`,
    why: `the registry accepted it, and a minute later still answers ${listed ?? 'nothing'}`,
    state: `${tag} reads ${listed ?? 'nothing'}; it may become ${to ?? 'nothing'} later.`,
    next: 'Look again in some minutes with an assessment.',
    code: 'not_shown',
    retryable: true
  })

const askPerson = (manualCommands: string[], tag: string, from: string | null): string[] => [
  `The registry asks for a one-time password and offers no web login to a program. ${tag} still points at ${from ?? 'nothing'}.`,
  'Run this where you can enter the password (add --otp=<code> for an authenticator app):',
  ...manualCommands
]
