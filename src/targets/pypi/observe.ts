import { tryFiles } from '../../http/try-files.ts'
import type { DeploymentRecord } from '../../model/deployment-record.ts'
import type { Blocker, Health, Observation } from '../../model/observation.ts'
import { fingerprint } from '../../support/canonical.ts'
import { TargetError } from '../../support/errors.ts'
import { oneLine } from '../../support/text.ts'
import type { PackageIndex } from './package-index.ts'
import { releaseOf, releasesOf } from './releases.ts'
import type { PypiSettings } from './settings.ts'
import { chosen, chosenByMost, digestsOf, type IndexVersion, type Known, kindsOf, pythons } from './versions.ts'

const mostFiles = 8

/** What the index says, now. @throws TargetError when it cannot be asked, or has no such project. */
export async function observe(
  index: PackageIndex,
  settings: PypiSettings,
  history: readonly DeploymentRecord[],
  signal: AbortSignal
): Promise<Observation> {
  const known = await index.known(signal)
  if (!known) throw noProject(settings)
  const current = chosenByMost(known)
  return {
    current: current && releaseOf(settings, current),
    health: await healthOf(index, settings, known, current, signal),
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
}

/** An index knows whether a version can be installed, not whether its code works. */
async function healthOf(
  index: PackageIndex,
  { name, kinds }: PypiSettings,
  known: Known,
  current: IndexVersion | null,
  signal: AbortSignal
): Promise<Health> {
  if (!current)
    return {
      state: 'down',
      message:
        known.versions.length === 0
          ? `${name} has no version with files`
          : `every version of ${name} is yanked or has no files: only exact versions can be installed`
    }
  const { gone, unknown, tried } = await tryFiles(
    current.files,
    (file, hashUpTo) => index.download(file, signal, hashUpTo),
    { verify: false, most: mostFiles }
  )
  const { version } = current
  if (gone.length > 0)
    return { state: gone.length === tried ? 'down' : 'degraded', message: `${version}: ${oneLine(gone.join('; '))}` }
  if (unknown.length > 0) return { state: 'unknown', message: `${version}: ${oneLine(unknown.join('; '))}` }
  const missing = kinds.filter((kind) => !kindsOf(current).includes(kind))
  if (missing.length > 0)
    return { state: 'degraded', message: `${version} has no ${missing.join(' and no ')}, which deploy.json names` }
  return {
    state: 'healthy',
    message: `${version} can be installed; whether its code works is not seen from an index`
  }
}

const statusNotes = ({ status }: Known): string[] =>
  status && status !== 'active' ? [`The index says that the project is ${oneLine(status, 40)}.`] : []

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
  why: `${label} offers no file of it to installers while its administrators look into it (PEP 792)`,
  next: `Write to the administrators of ${label}; no rollback helps before that.`
})

const noProject = ({ name, label, simple, path }: PypiSettings): TargetError =>
  new TargetError({
    what: `Reading ${name} failed`,
    why: `${label} has no project ${name} (${simple}/${path}/ answers 404), or this login may not see it`,
    next: 'Check `config.package` and `config.registry` of the target in deploy.json.',
    code: 'not_found'
  })
