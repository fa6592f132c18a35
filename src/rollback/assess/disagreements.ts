import type { DeploymentRecord } from '../../model/deployment-record.ts'
import type { Observation } from '../../model/observation.ts'

/** Where deploy.json tells another journalRecord than the target, one line each. The target is the truth. */
export function disagreements(history: readonly DeploymentRecord[], observation: Observation): string[] {
  const newest = history[0]
  if (!newest) return []
  const claimed =
    newest.status === 'rolled_back' ? newest.rollbackTo : newest.status === 'success' ? newest.version : undefined
  if (claimed === undefined) return []
  const serving = observation.current?.version
  if (serving === claimed) return []
  return [
    `deploy.json says that ${claimed} was deployed last (${newest.at}); the target says that ${serving ?? 'nothing'} is deployed. The target is believed.`
  ]
}
