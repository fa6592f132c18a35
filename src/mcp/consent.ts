import { groupQuestion } from '../render/group-question.ts'
import { question } from '../render/question.ts'
import type { Assessment } from '../rollback/assess/assessment.ts'
import type { GroupAssessment } from '../rollback/group/group-assessment.ts'
import { checkGroupUnattended } from '../rollback/group/group-refusals.ts'
import type { GroupResumeOption } from '../rollback/group/interrupted-group.ts'
import { checkUnattended } from '../rollback/guard/refusals.ts'
import type { ResumeOption } from '../rollback/journal/interrupted.ts'
import { InputError } from '../support/errors.ts'

/** What is known of the host that calls. */
export interface Host {
  name: string
  version: string
  /** Asks the person behind the host by elicitation; absent where the host cannot. */
  ask?(message: string): Promise<'yes' | 'no' | 'cancelled'>
}

/** What a person is asked to confirm: the plan of an assessment, or an option of an interrupted rollback. */
interface Asked {
  assessment: Assessment
  option?: ResumeOption | undefined
}

/**
 * Makes sure that a person confirms a real execution. A host that honours `anthropic/requiresUserInteraction` has asked before the
 * call arrives; another one is asked by elicitation; one that offers neither is refused unless `automatic: true` allows it.
 * @throws InputError when the answer is not yes; nothing was begun then.
 */
export async function requireConsent(
  host: Host,
  { assessment, option }: Asked,
  automatic: () => Promise<boolean>
): Promise<void> {
  if (promptsByItself(host)) return
  if (host.ask) return heed(await host.ask(question(assessment, option)))
  checkUnattended(assessment, await automatic(), cannotAsk(host))
}

/** What a person is asked to confirm of several targets. */
interface AskedOfGroup {
  assessment: GroupAssessment
  option?: GroupResumeOption | undefined
}

/** The same for several targets as one: one question, with a line for each. @throws as `requireConsent` does. */
export async function requireGroupConsent(
  host: Host,
  { assessment, option }: AskedOfGroup,
  isAutomatic: (target: string) => Promise<boolean>
): Promise<void> {
  if (promptsByItself(host)) return
  if (host.ask) return heed(await host.ask(groupQuestion(assessment, option)))
  await checkGroupUnattended(assessment, isAutomatic, cannotAsk(host))
}

const cannotAsk = ({ name }: Host): string => `${name} can neither prompt for this tool nor ask by elicitation`

/**
 * Whether the host is a Claude Code whose prompt is known: since 2.1.199 it asks before a marked tool in every mode, and 2 is the newest
 * major version that this was seen of. Anything else in the place of the version is asked as any other host is.
 */
export function promptsByItself({ name, version }: Pick<Host, 'name' | 'version'>): boolean {
  const [, minor, patch] = /^2\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})$/.exec(version) ?? []
  return name === 'claude-code' && (Number(minor) > 1 || (minor === '1' && Number(patch) >= 199))
}

function heed(answer: 'yes' | 'no' | 'cancelled'): void {
  if (answer === 'yes') return
  throw new InputError({
    what: answer === 'no' ? 'The rollback was declined' : 'The confirmation was not answered',
    why: 'each real execution needs a person to say yes',
    next: 'Start it again when a person is there to confirm it.',
    code: answer === 'no' ? 'declined' : 'not_confirmed'
  })
}
