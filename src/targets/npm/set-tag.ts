import { z } from 'zod'
import { TargetError } from '../../support/errors.ts'
import { defineStep } from '../define-step.ts'
import type { Move, Run, StepResult } from '../target.ts'
import { notRepaired } from './aftermath.ts'
import type { NpmContext } from './context.ts'
import { explain } from './failure.ts'
import { isTag, isVersion } from './names.ts'
import type { NpmState } from './observe.ts'
import { manualPassword, NeedsOneTimePassword } from './one-time-password.ts'

const version = z.string().refine(isVersion)
const tag = z.string().refine(isTag)

const params = z.object({
  package: z.string(),
  registry: z.string(),
  tag,
  /** null when the tag did not exist. */
  from: version.nullable(),
  to: version
})

type Params = z.infer<typeof params>

const answersWithinMs = 60_000

/** What both kinds of steps have: nothing changes when the tag no longer points where it did, or where `apply` put it. */
const ofTags = {
  params,
  describe: (_context: NpmContext, planned: Params) => ({
    id: `set-tag:${planned.tag}`,
    title: `Pointing ${planned.tag} to ${planned.to}`,
    undo: planned.from ? `point ${planned.tag} back to ${planned.from}` : `remove the tag ${planned.tag}`,
    manualCommands: [tagCommand(planned, planned.to)],
    manualUndoCommands: [tagCommand(planned, planned.from)]
  }),
  revert: (context: NpmContext, planned: Params, run: Run) => move(context, planned, planned.to, planned.from, run)
}

const misplaced = ({ tag, from, to }: Params, known: Move): string | null => {
  if (to !== known.to.version) return `it points ${tag} to ${to}`
  return from === (known.from?.version ?? null) ? null : `it would point ${tag} back to ${from ?? 'nothing'}`
}

/** The switch: points the tag at the candidate. */
export const setTag = defineStep<NpmContext, NpmState>()({
  ...ofTags,
  kind: 'set-tag',
  phase: 'switch',
  mismatch: ({ settings }, planned, known) =>
    planned.tag === settings.tag
      ? misplaced(planned, known)
      : `it moves the tag ${planned.tag}, and deploy.json names ${settings.tag}`,
  async apply(context, planned, run) {
    const { package: name, from, to } = planned
    const moved = await move(context, planned, from, to, run)
    return from && !moved.manual ? { ...moved, remains: notRepaired(name, from, to) } : moved
  }
})

/** Cleanup: another tag that points at the failed version follows. */
export const setOtherTag = defineStep<NpmContext, NpmState>()({
  ...ofTags,
  kind: 'set-other-tag',
  phase: 'cleanup',
  mismatch(_context, planned, known) {
    const at = known.state.tags[planned.tag]
    return at === planned.from || at === planned.to
      ? misplaced(planned, known)
      : `the tag ${planned.tag} does not point at ${planned.from}`
  },
  apply: (context, planned, run) => move(context, planned, planned.from, planned.to, run)
})

const tagCommand = ({ package: name, registry, tag }: Params, version: string | null): string =>
  version === null
    ? `npm dist-tag rm ${name} ${tag} --registry=${registry}`
    : `npm dist-tag add ${name}@${version} ${tag} --registry=${registry}`

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
      return { manual: manualPassword(error, tagCommand(planned, to), `${tag} still points at ${from ?? 'nothing'}.`) }
    throw explain(error, `Pointing ${tag} of ${name} to ${to ?? 'nothing'}`, registry.url, {
      state: `${tag} still points at ${from ?? 'nothing'}.`
    })
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
