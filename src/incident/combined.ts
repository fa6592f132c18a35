import type { Diagnosis } from '../model/diagnosis.ts'
import type { Health, HealthState } from '../model/observation.ts'
import type { Release } from '../model/release.ts'
import type { Incident } from './incident.ts'

type OfAll = Pick<Incident, 'rollback' | 'events' | 'remains' | 'now' | 'severity' | 'rootCause' | 'impact' | 'notes'>

/** One incident of several targets; each line that comes from one of them begins with its name. */
export function combinedIncident(parts: readonly Incident[], all: OfAll): Incident {
  return {
    ...all,
    target: parts.map(({ target }) => target).join(', '),
    from: together(parts, ({ from }) => from),
    to: together(parts, ({ to }) => to),
    health: worst(parts),
    history: [],
    diagnosis: diagnosisOf(parts),
    events: [
      ...all.events,
      ...parts.flatMap(({ target, events }) => events.map((one) => ({ ...one, text: `${target}: ${one.text}` })))
    ],
    changes: parts.find(({ changes }) => changes.known)?.changes ??
      parts[0]?.changes ?? { known: false, why: 'no target has a journal' },
    remains: [...all.remains, ...parts.flatMap(({ target, remains }) => remains.map((line) => `${target}: ${line}`))],
    parts
  }
}

/** "docker 1.2.0, npm 1.2.0" as one release. */
function together(parts: readonly Incident[], releaseOf: (part: Incident) => Release | null): Release | null {
  const named = parts.map((part) => `${part.target} ${releaseOf(part)?.version ?? 'nothing'}`).join(', ')
  return named === '' ? null : { version: named, id: named, available: { state: 'unknown' } }
}

const badness: Record<HealthState, number> = { down: 4, degraded: 3, unknown: 2, progressing: 1, healthy: 0 }

const worst = (parts: readonly Incident[]): Health | null =>
  parts
    .flatMap(({ target, health }) => (health ? [{ ...health, message: `${target}: ${health.message}` }] : []))
    .sort((a, b) => badness[b.state] - badness[a.state])[0] ?? null

function diagnosisOf(parts: readonly Incident[]): Diagnosis {
  const each = parts.flatMap(({ target, diagnosis }) => (diagnosis ? [{ target, ...diagnosis }] : []))
  return {
    findings: each.flatMap(({ target, findings }) => findings.map((line) => `${target}: ${line}`)),
    events: each.flatMap(({ target, events }) => events.map((one) => ({ ...one, text: `${target}: ${one.text}` }))),
    evidence: each.flatMap(({ target, evidence }) =>
      evidence.map((one) => ({ ...one, title: `${target}: ${one.title}` }))
    )
  }
}
