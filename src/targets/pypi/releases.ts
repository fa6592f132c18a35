import { compare } from '@renovatebot/pep440'
import type { DeploymentRecord } from '../../model/deployment-record.ts'
import type { Release, Served } from '../../model/release.ts'
import { quoted } from '../../support/text.ts'
import { normalVersion } from './names.ts'
import type { PypiSettings } from './settings.ts'
import { digestsOf, type IndexVersion, type Known, kindsOf, whyAbsent } from './versions.ts'

/** One version as a release. */
export function releaseOf({ path }: PypiSettings, version: IndexVersion): Release {
  const { files, yanked, yankedReason, prerelease, uploadedAt } = version
  return {
    version: version.version,
    id: `${path}==${version.version}`,
    ...(uploadedAt && { createdAt: uploadedAt }),
    available: availability(version),
    ...(prerelease && { prerelease: true }),
    ...(yanked && { against: [`yanked${yankedReason ? `: ${quoted(yankedReason, 160)}` : ''}`] }),
    notes: [files.length === 0 ? 'no files' : `${files.length} files (${kindsOf(version).join(', ')})`],
    details: { files: digestsOf(version) }
  }
}

function availability({ files, yanked }: IndexVersion): Release['available'] {
  if (files.length === 0)
    return {
      state: 'no',
      reason: 'its files were deleted and cannot be uploaded again: an index never accepts a file name twice'
    }
  if (yanked)
    return { state: 'no', reason: 'yanked: installers skip it until an owner un-yanks it on the page of the releases' }
  return { state: 'yes' }
}

/** Every version but the current one, and those that were recorded as deployed and are not there. */
export function releasesOf(
  settings: PypiSettings,
  known: Known,
  current: IndexVersion | null,
  history: readonly DeploymentRecord[]
): Release[] {
  const { versions } = known
  const served = servedPeriods(versions, current)
  const present = versions
    .filter((one) => one !== current)
    .map((one) => {
      const period = served.get(one.version)
      return { ...releaseOf(settings, one), ...(period && { served: period }) }
    })
  const there = new Set(versions.map(({ version }) => version))
  const gone = [...new Set(history.flatMap(({ version }) => normalVersion(version) ?? []))].filter(
    (version) => !there.has(version)
  )
  return [...present, ...gone.map((version) => absent(settings, known, version))]
}

const absent = ({ path }: PypiSettings, known: Known, version: string): Release => ({
  version,
  id: `${path}==${version}`,
  available: { state: 'no', reason: `deploy.json records it, but ${whyAbsent(known)}` }
})

/**
 * An index keeps no history of what installers took. What served is inferred: a full version that was the highest when it was uploaded was
 * taken until the next higher one was uploaded.
 */
function servedPeriods(versions: readonly IndexVersion[], current: IndexVersion | null): Map<string, Served> {
  const uploaded = versions
    .filter((one) => !one.prerelease && one.uploadedAt)
    .sort((a, b) => (a.uploadedAt ?? '').localeCompare(b.uploadedAt ?? '') || compare(a.version, b.version))
  const highest: IndexVersion[] = []
  for (const one of uploaded) {
    const before = highest.at(-1)
    if (!before || compare(one.version, before.version) > 0) highest.push(one)
  }
  const periods = new Map<string, Served>()
  for (const [index, { version, uploadedAt: from }] of highest.entries()) {
    const next = highest[index + 1]
    if (version === current?.version || !from || !next?.uploadedAt) continue
    periods.set(version, {
      from,
      until: next.uploadedAt,
      forMs: Date.parse(next.uploadedAt) - Date.parse(from),
      source: `inferred: uploaded as the highest version, then superseded by ${next.version}; upload times are the index’s`
    })
  }
  return periods
}
