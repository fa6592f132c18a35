import type { Risk } from '../../model/observation.ts'
import type { PlanDraft } from '../../model/plan.ts'
import { duration } from '../../support/text.ts'
import type { Session } from '../session.ts'

const minuteMs = 60_000
const mostShown = 5

/** The time limit is too short for a plan whose stops take as long as they may. */
export function slowStops({ name, settings }: Session, { stops, soakMs = 0 }: PlanDraft): Risk[] {
  if (!stops) return []
  const { limitMs } = settings
  const soak = Math.max(settings.soakMs, soakMs)
  const neededMs = stops.ms + soak
  if (neededMs < limitMs) return []
  const { parts } = stops
  const more = parts.length > mostShown ? ` and ${parts.length - mostShown} more` : ''
  return [
    {
      id: 'time_limit',
      serious: true,
      title: `Stopping may take ${duration(stops.ms)}, and the time limit is ${duration(limitMs)}`,
      detail: `${parts.slice(0, mostShown).join(', ')}${more}; then a soak of ${duration(soak)}. At the limit the rollback is undone, with nothing serving until what is being stopped has stopped. Set targets.${name}.config.rollback.limit_minutes in deploy.json to ${Math.ceil(neededMs / minuteMs) + 2} or more.`
    }
  ]
}
