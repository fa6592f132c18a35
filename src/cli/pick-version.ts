import { evidenceOf } from '../render/assessment-lines.ts'
import { type Assessment, type Candidate, shortName } from '../rollback/assess/assessment.ts'
import type { CommandContext } from './run.ts'
import { refuseUnderAgent } from './terminal.ts'

const most = 12

/**
 * Lets a person at a terminal who named no version choose one, where there are several; Enter takes the recommended one.
 * @throws InputError when an agent runs this shell.
 * @returns another version than the one that is planned; undefined to go on with that; null when none was chosen.
 */
export async function pickVersion(
  { flags, terminal, project }: CommandContext,
  { candidates, chosen, recommended, current, interrupted, at, target }: Assessment
): Promise<string | null | undefined> {
  const named = flags.to !== undefined || flags.plan !== undefined
  if (
    !terminal.interactive ||
    !terminal.showsLists ||
    named ||
    flags.auto ||
    flags.json ||
    flags['with-config'] ||
    interrupted
  )
    return undefined
  const open = candidates
    .filter(({ release }) => release.available.state !== 'no' && release.version !== current?.version)
    .slice(0, most)
  const [first] = open
  if (!first || (open.length === 1 && chosen === first)) return undefined
  refuseUnderAgent(project.env)
  const line = (candidate: Candidate): string =>
    `${shortName(candidate.release)}  ${evidenceOf(candidate, at)}${candidate === recommended ? ' (recommended)' : ''}`
  const choices = open.map((candidate) => ({
    value: candidate.release.version,
    label: project.mask.line(line(candidate))
  }))
  const picked = await terminal.pick(
    `Take ${target} back to which version?`,
    choices,
    (chosen ?? first).release.version
  )
  return picked === chosen?.release.version ? undefined : picked
}
