import { z } from 'zod'
import type { Step } from '../../model/step.ts'
import { TargetError } from '../../support/errors.ts'
import type { StepKind } from '../define-steps.ts'
import type { Run, StepResult } from '../target.ts'
import type { NpmContext } from './context.ts'
import { explain } from './failure.ts'
import { manualPassword, NeedsOneTimePassword } from './one-time-password.ts'
import type { NpmSettings } from './settings.ts'

const params = z.object({
  package: z.string(),
  registry: z.string(),
  tag: z.string(),
  /** null when the tag did not exist. */
  from: z.string().nullable(),
  to: z.string()
})

type Params = z.infer<typeof params>

const answersWithinMs = 60_000

/** The switch: points the tag at the candidate. */
export function setTagStep(
  { name, registry, tag }: NpmSettings,
  from: string | null,
  to: string,
  alsoTagged: string[]
): Step {
  const planned: Params = { package: name, registry, tag, from, to }
  return {
    id: `set-tag:${tag}`,
    kind: 'set-tag',
    phase: 'switch',
    title: `Pointing ${tag} to ${to}`,
    params: planned,
    undo: from ? `point ${tag} back to ${from}` : `remove the tag ${tag}`,
    manualCommands: [
      tagCommand(planned, to),
      ...alsoTagged.map(
        (other) => `${tagCommand({ ...planned, tag: other }, to)}   # if ${other} must not keep ${from}`
      )
    ],
    manualUndoCommands: [tagCommand(planned, from)]
  }
}

const tagCommand = ({ package: name, registry, tag }: Params, version: string | null): string =>
  version === null
    ? `npm dist-tag rm ${name} ${tag} --registry=${registry}`
    : `npm dist-tag add ${name}@${version} ${tag} --registry=${registry}`

/** Changes nothing when the tag no longer points where it did when the plan was made, or where `apply` put it. */
export const setTag: StepKind<NpmContext, Params> = {
  params,
  apply: (context, planned, run) => move(context, planned, planned.from, planned.to, run),
  revert: (context, planned, run) => move(context, planned, planned.to, planned.from, run)
}

async function move(
  context: NpmContext,
  planned: Params,
  from: string | null,
  to: string | null,
  run: Run
): Promise<StepResult> {
  const { registry, authority } = context
  const { package: name, tag } = planned
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
    if (error instanceof NeedsOneTimePassword)
      return { manual: manualPassword(tagCommand(planned, to), `${tag} still points at ${from ?? 'nothing'}.`) }
    throw explain(
      error,
      `Pointing ${tag} of ${name} to ${to ?? 'nothing'}`,
      registry.url,
      `${tag} still points at ${from ?? 'nothing'}.`
    )
  }
  return await answered(context, planned, to, run)
}

/** Waits until the registry itself shows the new tag: some accept a write before they show it. */
async function answered(
  { registry, clock }: NpmContext,
  { package: name, tag }: Params,
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
    why: `it points at ${now ?? 'nothing'}, not at ${from ?? 'nothing'}: someone else moved it`,
    state: `${tag} points at ${now ?? 'nothing'}; this step changed nothing.`,
    next: 'Find out who moved it and why, then assess again.',
    code: 'moved'
  })

const notShown = (name: string, tag: string, to: string | null, listed: string | null): TargetError =>
  new TargetError({
    what: `${tag} of ${name} does not show the change`,
    why: `the registry accepted the change, but a minute later it still answers ${listed ?? 'nothing'}`,
    state: `${tag} is shown as ${listed ?? 'nothing'}; that may still become ${to ?? 'nothing'}.`,
    next: 'Assess again in a few minutes.',
    code: 'not_shown',
    retryable: true
  })
