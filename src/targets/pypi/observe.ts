import type { Blocker, Health, Observation } from '../../model/observation.ts'
import { fingerprint } from '../../support/canonical.ts'
import { TargetError } from '../../support/errors.ts'
import { oneLine } from '../../support/text.ts'
import type { Observed } from '../target.ts'
import type { PypiContext } from './context.ts'
import { releaseOf, releasesOf } from './releases.ts'
import type { PypiSettings } from './settings.ts'
import { chosen, chosenByMost, digestsOf, type IndexVersion, type Known, kindsOf, pythons } from './versions.ts'

const maxFiles = 8

export interface PypiState {
  known: Known
}

/** What the index says, now. @throws TargetError when it cannot be asked, or has no such project. */
export async function observe(context: PypiContext, signal: AbortSignal): Promise<Observed<PypiState>> {
  const { index, settings, history } = context
  const known = await index.known(signal)
  if (!known) throw noProject(settings)
  const current = chosenByMost(known)
  const observation: Observation = {
    current: current && releaseOf(settings, current),
    health: await healthOf(context, known, current, signal),
    releases: releasesOf(settings, known, current, history),
    risks: [],
    blockers: known.status === 'quarantined' ? [quarantined(settings)] : [],
    fingerprint: fingerprint({
      project: settings.path,
      index: settings.simple,
      chosen: current?.version ?? null,
      files: current ? digestsOf(current) : null
    }),
    ...(current && { snapshot: { files: digestsOf(current) } }),
    notes: [...settings.notes, ...statusNotes(known), ...otherChoices(known, current)]
  }
  return { observation, state: { known } }
}

/** An index knows whether a version can be installed, not whether its code works. */
async function healthOf(
  { index, settings: { name, kinds } }: PypiContext,
  known: Known,
  current: IndexVersion | null,
  signal: AbortSignal
): Promise<Health> {
  if (!current)
    return {
      state: 'down',
      message:
        known.versions.length === 0
          ? `${name} has no version with files${known.status === 'quarantined' ? ': it is in quarantine' : ''}`
          : `every version of ${name} is yanked or has no files: only exact versions can be installed`
    }
  const { version, files } = current
  const { gone, unknown, tried } = await index.tryFiles(files, { verify: false, most: maxFiles }, signal)
  if (gone.length > 0)
    return { state: gone.length === tried ? 'down' : 'degraded', message: `${version}: ${oneLine(gone.join('; '))}` }
  if (unknown.length > 0) return { state: 'unknown', message: `${version}: ${oneLine(unknown.join('; '))}` }
  const missing = kinds.filter((kind) => !kindsOf(current).includes(kind))
  if (missing.length > 0)
    return { state: 'degraded', message: `${version} has no ${missing.join(' and no ')}, which deploy.json names` }
  return { state: 'healthy', message: `${version} can be installed; an index cannot show whether its code works` }
}

const statusNotes = ({ status }: Known): string[] =>
  status && status !== 'active' ? [`The index marks the project as ${oneLine(status, 40)}.`] : []

/** Where other Pythons get another version. */
function otherChoices(known: Known, current: IndexVersion | null): string[] {
  const others = new Map<string, string[]>()
  for (const python of pythons) {
    const version = chosen(known, python)?.version
    if (version && version !== current?.version) others.set(version, [...(others.get(version) ?? []), python])
  }
  return [...others].map(([version, list]) => `On Python ${list.join(', ')} an installer takes ${version}.`)
}

const quarantined = ({ name, label }: PypiSettings): Blocker => ({
  id: 'quarantined',
  what: `${name} is quarantined`,
  why: `${label} offers none of its files to installers while its administrators investigate it (PEP 792)`,
  next: `Contact the administrators of ${label}; no rollback helps before they act.`
})

const noProject = ({ name, label, simple, path }: PypiSettings): TargetError =>
  new TargetError({
    what: `Reading ${name} failed`,
    why: `${label} has no project ${name} (${simple}/${path}/ answers 404), or this login cannot see it`,
    next: 'Check `config.package` and `config.registry` of the target in deploy.json.',
    code: 'not_found'
  })
