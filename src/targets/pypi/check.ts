import { type Check, type CheckReport, checkOf, type Verdict } from '../../model/check.ts'
import type { Release } from '../../model/release.ts'
import { fingerprintOf } from '../../support/canonical.ts'
import { messageOf } from '../../support/errors.ts'
import { oneLine } from '../../support/text.ts'
import type { CheckOptions } from '../target.ts'
import type { PypiContext } from './context.ts'
import type { PackageIndex } from './package-index.ts'
import { chosen, digestsOf, type IndexVersion, installable, type Known, pythons, whyAbsent } from './versions.ts'

const maxFiles = 60

/**
 * Whether installers take the release, by the Simple API and by the JSON API, and whether its files download. The first check of a soak
 * downloads them; a later one does so again only when its files have changed.
 */
export async function check(
  { index, settings }: PypiContext,
  release: Release,
  { signal, baseline }: CheckOptions
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
      checks: [
        choice('fail', `${settings.label} has no files of ${release.version}${known ? `: ${whyAbsent(known)}` : ''}`)
      ],
      observed: baseline ?? {}
    }
  const other = otherChoice(known, candidate)
  const json = settings.warehouse ? await jsonOf(index, release, other, signal) : null
  const taken = other
    ? notTaken(release.version, other, json)
    : choice('pass', `${release.version}, on every Python version that it supports`)
  // A person must yank what installers still take, and caches must show it.
  const awaited = { awaited: other !== null && !candidate.yanked }
  const state = fingerprintOf(digestsOf(candidate), 16)
  if (baseline?.state === state && baseline.passed === true)
    return {
      checks: [
        taken,
        ...(json ? [json.check] : []),
        { ...downloads, status: 'pass', detail: 'unchanged since they were downloaded' }
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

const choice = checkOf('chosen', 'Installers take it')

interface OtherChoice {
  version: string
  python: string
}

/** What an installer takes instead, on a Python that the candidate runs on. */
function otherChoice(known: Known, candidate: IndexVersion): OtherChoice | null {
  const able = pythons.filter((python) => installable(candidate, python))
  for (const python of able) {
    const version = chosen(known, python)?.version
    if (version !== candidate.version) return { version: version ?? 'nothing', python }
  }
  return able.length > 0 ? null : { version: 'nothing', python: 'any' }
}

interface JsonResult {
  check: Check
  /** The JSON API already shows as yanked what installers still take. */
  ahead: boolean
}

/** Caches delay a yank in the Simple API: until it shows there, the check is unknown and repeated. */
function notTaken(version: string, other: OtherChoice, json: JsonResult | null): Check {
  const instead = `on Python ${other.python} they take ${other.version}, not ${version}`
  return json?.ahead
    ? choice('unknown', `${instead}; that is already yanked, but a cache still offers it`)
    : choice('fail', instead)
}

async function jsonOf(
  index: PackageIndex,
  { version }: Release,
  other: OtherChoice | null,
  signal: AbortSignal
): Promise<JsonResult> {
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
        detail: late ? `it still shows ${shown}, from a cache` : `it shows ${shown}`
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
  const { gone, unknown, tried, verified } = await index.tryFiles(
    candidate.files.filter(({ yanked }) => !yanked),
    { verify: true, most: maxFiles },
    signal
  )
  const planned = fingerprintOf(details?.files ?? null) === fingerprintOf(digestsOf(candidate))
  const verdict = (): Verdict => {
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
        ? `${candidate.files.length} files with the planned digests`
        : 'its files have changed since the plan was made'
    },
    { ...downloads, ...verdict() }
  ]
}
