import type { Assessment } from '../rollback/assess/assess.ts'
import { checkUnattended } from '../rollback/guard/unattended.ts'
import type { Interrupted } from '../rollback/journal/interrupted.ts'
import type { ResumeOption } from '../rollback/journal/resume-options.ts'
import { InputError } from '../support/errors.ts'

/** What is known of the host that calls. */
export interface Host {
  name: string
  version: string
  /** Asks the person behind the host by elicitation; absent where the host cannot. */
  ask?(message: string): Promise<'yes' | 'no' | 'cancelled'>
}

/** What somebody is asked to say yes to: the plan of an assessment, or a way out of an interrupted rollback. */
export interface Asked {
  assessment: Assessment
  way?: ResumeOption | undefined
}

/**
 * Makes sure that somebody said yes to a real execution. A host that honours `anthropic/requiresUserInteraction` has asked before
 * the call arrives; another is asked by elicitation; one that offers neither is refused unless `automatic: true` allows it.
 * @throws InputError when nobody said yes; nothing was begun then.
 */
export async function requireConsent(
  host: Host,
  { assessment, way }: Asked,
  automatic: () => Promise<boolean>
): Promise<void> {
  if (promptsByItself(host)) return
  if (host.ask) return heed(await host.ask(question({ assessment, way })))
  checkUnattended(assessment, await automatic(), `${host.name} can neither prompt for this tool nor ask by elicitation`)
}

/** Claude Code prompts for a marked tool in every mode since 2.1.199. */
export function promptsByItself({ name, version }: Pick<Host, 'name' | 'version'>): boolean {
  if (name !== 'claude-code') return false
  const [major = 0, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10) || 0)
  return major > 2 || (major === 2 && (minor > 1 || (minor === 1 && patch >= 199)))
}

function question({ assessment, way }: Asked): string {
  const { target, current, chosen, plan, risks, interrupted } = assessment
  if (interrupted && way) return [resumptionQuestion(target, interrupted, way), ...numbered(way.lines)].join('\n')
  const steps = numbered(plan?.steps.map(({ title }) => title) ?? [])
  const serious = risks.filter((risk) => risk.serious).map(({ title, detail }) => `Risk accepted: ${title}: ${detail}`)
  return [
    `Roll back ${target} from ${current?.version ?? 'nothing'} to ${chosen?.release.version ?? '?'}? This will revert the deployment.`,
    ...steps,
    ...serious
  ].join('\n')
}

const numbered = (lines: readonly string[]): string[] => lines.map((line, index) => `${index + 1}. ${line}`)

/** Says which way the interrupted rollback would go, and what serves afterwards. */
export function resumptionQuestion(
  target: string,
  { rollbackId, from, to }: Interrupted,
  { direction }: ResumeOption
): string {
  if (direction === 'finish') return `Finish the interrupted rollback ${rollbackId} of ${target}, to ${to.version}?`
  if (direction === 'undo')
    return `Undo the interrupted rollback ${rollbackId} of ${target}, back to ${from?.version ?? 'what was there before'}?`
  return `Close the interrupted rollback ${rollbackId} of ${target}, and leave what is deployed as it is?`
}

function heed(answer: 'yes' | 'no' | 'cancelled'): void {
  if (answer === 'yes') return
  throw new InputError({
    what: answer === 'no' ? 'The rollback was declined' : 'The question whether to roll back was not answered',
    why: 'each real execution needs a person to say yes',
    next: 'Nothing happened. Ask again when a person is there to confirm.',
    code: answer === 'no' ? 'declined' : 'not_confirmed'
  })
}
