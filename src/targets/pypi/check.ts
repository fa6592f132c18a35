import { tryFiles } from '../../http/try-files.ts'
import type { Check, CheckReport } from '../../model/check.ts'
import type { Release } from '../../model/release.ts'
import { fingerprintOf } from '../../support/canonical.ts'
import { messageOf } from '../../support/errors.ts'
import { oneLine } from '../../support/text.ts'
import type { Look } from '../target.ts'
import type { PackageIndex } from './package-index.ts'
import type { PypiSettings } from './settings.ts'
import { chosen, digestsOf, type IndexVersion, installable, type Known, pythons } from './versions.ts'

const mostFiles = 60

/**
 * Whether installers take the release, by the Simple API and by the JSON API, and whether its files download. Downloading is done at the
 * first look; a later look within the same soak does it again only when its files are no longer the same.
 */
export async function check(
  index: PackageIndex,
  settings: PypiSettings,
  release: Release,
  { signal, baseline }: Look
): Promise<CheckReport> {
  let known: Known | null
  try {
    known = await index.known(signal)
  } catch (error) {
    signal.throwIfAborted()
    return { checks: [choice('unknown', oneLine(messageOf(error)))], observed: baseline ?? {} }
  }
  const candidate = known?.versions.find(({ version }) => version === release.version)
  if (!known || !candidate || candidate.files.length === 0)
    return {
      checks: [choice('fail', `${settings.label} has no files of ${release.version}`)],
      observed: baseline ?? {}
    }
  const other = otherChoice(known, candidate)
  const json = settings.warehouse ? await jsonOf(index, release, other, signal) : null
  const taken = other
    ? notTaken(release.version, other, json)
    : choice('pass', `${release.version}, on every Python that it runs on`)
  // somebody has to yank what is in its place, and caches have to show it
  const awaited = { awaited: other !== null && !candidate.yanked }
  const state = fingerprintOf(digestsOf(candidate), 16)
  if (baseline?.state === state && baseline.passed === true)
    return {
      checks: [
        taken,
        ...(json ? [json.check] : []),
        { ...downloads, status: 'pass', detail: 'unchanged since it was tried' }
      ],
      observed: baseline,
      ...awaited
    }
  const files = await filesOf(index, candidate, release, signal)
  return {
    checks: [taken, ...(json ? [json.check] : []), ...files],
    observed: { state, passed: files.every(({ status }) => status === 'pass') },
    ...(files.every(({ status }) => status !== 'fail') && awaited)
  }
}

const choice = (status: Check['status'], detail: string): Check => ({
  id: 'chosen',
  title: 'Installers take it',
  status,
  detail
})

interface OtherChoice {
  version: string
  python: string
}

/** What an installer takes in its place, on a Python that it would run on. */
function otherChoice(known: Known, candidate: IndexVersion): OtherChoice | null {
  const able = pythons.filter((python) => installable(candidate, python))
  for (const python of able) {
    const version = chosen(known, python)?.version
    if (version !== candidate.version) return { version: version ?? 'nothing', python }
  }
  return able.length > 0 ? null : { version: 'nothing', python: 'any' }
}

interface JsonLook {
  check: Check
  /** What installers still take is already yanked there. */
  ahead: boolean
}

/** Between a yank and its showing in the Simple API lie caches: that is unknown, and looked at again. */
function notTaken(version: string, other: OtherChoice, json: JsonLook | null): Check {
  const instead = `on Python ${other.python} they take ${other.version}, not ${version}`
  return json?.ahead
    ? choice('unknown', `${instead}; it is yanked already, and a cache still offers it`)
    : choice('fail', instead)
}

async function jsonOf(
  index: PackageIndex,
  { version }: Release,
  other: OtherChoice | null,
  signal: AbortSignal
): Promise<JsonLook> {
  const common = { id: 'json', title: 'The page and the JSON API show it as the newest' }
  try {
    const project = await index.json(null, signal)
    const shown = project?.info.version ?? 'none'
    const ahead = other !== null && (await index.json(other.version, signal))?.info.yanked === true
    if (shown === version) return { check: { ...common, status: 'pass', detail: shown }, ahead }
    const late = other === null
    return {
      check: {
        ...common,
        status: late || ahead ? 'unknown' : 'fail',
        detail: late ? `it still shows ${shown}: a cache` : `it shows ${shown}`
      },
      ahead
    }
  } catch (error) {
    signal.throwIfAborted()
    return { check: { ...common, status: 'unknown', detail: oneLine(messageOf(error)) }, ahead: false }
  }
}

const downloads = { id: 'files', title: 'Its files can be downloaded' }

async function filesOf(
  index: PackageIndex,
  candidate: IndexVersion,
  { details }: Release,
  signal: AbortSignal
): Promise<Check[]> {
  const { gone, unknown, tried, verified } = await tryFiles(
    candidate.files.filter(({ yanked }) => !yanked),
    (file, hashUpTo) => index.download(file, signal, hashUpTo),
    { verify: true, most: mostFiles }
  )
  const planned = fingerprintOf(details?.files ?? null) === fingerprintOf(digestsOf(candidate))
  const told = (): Pick<Check, 'status' | 'detail'> => {
    if (gone.length > 0) return { status: 'fail', detail: oneLine(gone.join('; '), 300) }
    if (unknown.length > 0) return { status: 'unknown', detail: oneLine(unknown.join('; '), 300) }
    return { status: 'pass', detail: `${tried} tried, ${verified} of them read whole and as recorded` }
  }
  return [
    {
      id: 'identity',
      title: 'It is what was planned',
      status: planned ? 'pass' : 'fail',
      detail: planned
        ? `${candidate.files.length} files with the digests planned`
        : 'its files are no longer those that were planned'
    },
    { ...downloads, ...told() }
  ]
}
