import type { Assessment } from '../rollback/assess.ts'
import { checkUnattended } from '../rollback/unattended.ts'
import { InputError } from '../support/errors.ts'

/** What is known of the host that calls. */
export interface Host {
  name: string
  version: string
  /** Asks the person behind the host by elicitation; absent where the host cannot. */
  ask?(message: string): Promise<'yes' | 'no' | 'cancelled'>
}

/**
 * Makes sure that somebody said yes to a real execution. A host that honours `anthropic/requiresUserInteraction` has asked before
 * the call arrives; another is asked by elicitation; one that offers neither is refused unless `automatic: true` allows it.
 * @throws InputError when nobody said yes; nothing was begun then.
 */
export async function requireConsent(
  host: Host,
  assessment: Assessment,
  automatic: () => Promise<boolean>
): Promise<void> {
  if (promptsByItself(host)) return
  if (host.ask) return heed(await host.ask(question(assessment)))
  checkUnattended(assessment, await automatic(), `${host.name} can neither prompt for this tool nor ask by elicitation`)
}

/** Claude Code prompts for a marked tool in every mode since 2.1.199. */
export function promptsByItself({ name, version }: Pick<Host, 'name' | 'version'>): boolean {
  if (name !== 'claude-code') return false
  const [major = 0, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10) || 0)
  return major > 2 || (major === 2 && (minor > 1 || (minor === 1 && patch >= 199)))
}

function question({ target, current, chosen, plan, risks, interrupted }: Assessment): string {
  if (interrupted)
    return `Resume the interrupted rollback ${interrupted.rollbackId} of ${target} (to ${interrupted.to.version})?`
  const steps = plan?.steps.map(({ title }, index) => `${index + 1}. ${title}`) ?? []
  const serious = risks.filter((risk) => risk.serious).map(({ title, detail }) => `Risk accepted: ${title}: ${detail}`)
  return [
    `Roll back ${target} from ${current?.version ?? 'nothing'} to ${chosen?.release.version ?? '?'}? This will revert the deployment.`,
    ...steps,
    ...serious
  ].join('\n')
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
