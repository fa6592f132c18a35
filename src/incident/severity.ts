import type { Incident, Severity } from './incident.ts'

export interface JudgedSeverity {
  severity: Severity
  /** A part of a sentence. */
  reason: string
}

/** The severity by evidence, unless set: P1 when nothing served, P2 when it was degraded, P3 when it failed before it served. */
export function severityOf(
  incident: Pick<Incident, 'severity' | 'health' | 'from' | 'history' | 'parts'>
): JudgedSeverity {
  const { severity, health, parts } = incident
  if (severity) return { severity, reason: 'set by the author of this report' }
  const [worst] = (parts ?? [])
    .map((part) => ({ target: part.target, ...severityOf(part) }))
    .sort((a, b) => (a.severity < b.severity ? -1 : 1))
  if (worst) return { severity: worst.severity, reason: `${worst.target}: ${worst.reason}` }
  if (health?.state === 'down') return { severity: 'P1', reason: `nothing served: ${health.message}` }
  if (health?.state === 'degraded') return { severity: 'P2', reason: `degraded: ${health.message}` }
  if (health?.state === 'healthy')
    return { severity: 'P2', reason: 'it served, and the target shows nothing wrong with it; assumed degraded' }
  const failure = failedDeployment(incident)
  if (failure) return { severity: 'P3', reason: `its deployment failed before it served anyone (history, ${failure})` }
  const state = health ? `${health.state}: ${health.message}` : 'unknown'
  return {
    severity: 'P2',
    reason: `its health was ${state}; assumed degraded, because no source says that nothing served`
  }
}

/** When the failed release's only deployments failed, the time of the last one. */
function failedDeployment({ from, history }: Pick<Incident, 'from' | 'history'>): string | null {
  const own = history.filter(({ version, status }) => version === from?.version && status !== 'rolled_back')
  if (own.length === 0 || own.some(({ status }) => status !== 'failed')) return null
  return (
    own
      .map(({ at }) => at)
      .sort()
      .at(-1) ?? null
  )
}
