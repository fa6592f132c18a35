import { type Check, type CheckReport, checkOf, type Verdict } from '../../model/check.ts'
import type { JsonObject } from '../../model/json.ts'
import type { Release } from '../../model/release.ts'
import { fingerprintOf } from '../../support/canonical.ts'
import { messageOf, orElse } from '../../support/errors.ts'
import { oneLine } from '../../support/text.ts'
import type { CheckOptions } from '../target.ts'
import type { GitHub } from './api.ts'
import { tryAssets } from './assets.ts'
import type { GitHubContext } from './context.ts'
import { digestsOf } from './releases.ts'
import { type Head, headOf } from './series.ts'
import type { GitHubRelease } from './shapes.ts'

const maxAssets = 60

/**
 * Whether users who ask for the latest release get this one, and can download it. The first check of a soak downloads it; a later one does
 * so again only when the latest release or its assets have changed.
 */
export async function check(
  { github, settings }: GitHubContext,
  release: Release,
  { signal, baseline }: CheckOptions
): Promise<CheckReport> {
  let head: Head
  try {
    head = await headOf(github, settings.series, signal)
  } catch (error) {
    signal.throwIfAborted()
    return { checks: [latestCheck('unknown', oneLine(messageOf(error)))], observed: baseline ?? {} }
  }
  const { release: latest, marked } = head
  if (String(latest?.id) !== release.id)
    return { checks: [latestCheck('fail', `it is ${latest?.tag_name ?? 'none'}`)], observed: baseline ?? {} }
  const first = latestCheck('pass', `${release.version}, read without any cache of this machine`)
  const state = fingerprintOf(latest && { id: latest.id, tag: latest.tag_name, assets: digestsOf(latest.assets) }, 16)
  if (baseline?.state === state && baseline.passed === true)
    return { checks: [first, { ...unchanged, detail: 'unchanged since they were downloaded' }], observed: baseline }
  const rest = latest ? await proofs(github, latest, marked, release, signal) : []
  const passed = rest.every(({ status }) => status === 'pass')
  return { checks: [first, ...rest], observed: { state, passed } }
}

const latestCheck = checkOf('latest', 'It is the latest release')

const unchanged = { id: 'assets', title: 'Its assets can be downloaded', status: 'pass' as const }

async function proofs(
  github: GitHub,
  latest: GitHubRelease,
  marked: boolean,
  release: Release,
  signal: AbortSignal
): Promise<Check[]> {
  const [identity, assets, page] = await Promise.all([
    unlessUnknown('identity', 'It is what was planned', signal, identityOf(github, latest, release, signal)),
    unlessUnknown('assets', unchanged.title, signal, assetsOf(github, latest, signal)),
    unlessUnknown(
      'page',
      'Users who follow the address of the latest release get it',
      signal,
      marked ? pageOf(github, latest, signal) : Promise.resolve(null)
    )
  ])
  return [identity, assets, page].filter((one) => one !== null)
}

/** null when there is nothing to check. */
async function unlessUnknown(
  id: string,
  title: string,
  signal: AbortSignal,
  verdict: Promise<Verdict | null>
): Promise<Check | null> {
  const unknown = (error: unknown): Verdict => ({ status: 'unknown', detail: oneLine(messageOf(error)) })
  const known = await orElse(signal, verdict, unknown)
  return known && { id, title, ...known }
}

async function identityOf(
  github: GitHub,
  latest: GitHubRelease,
  { details }: Release,
  signal: AbortSignal
): Promise<Verdict> {
  const planned = details as JsonObject | undefined
  const commit = await github.commitOfTag(latest.tag_name, signal)
  if (!commit) return { status: 'fail', detail: `the tag ${latest.tag_name} is gone` }
  if (!planned?.commit) return { status: 'unknown', detail: 'its commit was unknown when the rollback was planned' }
  if (planned.commit !== commit)
    return {
      status: 'fail',
      detail: `its tag points at ${commit.slice(0, 12)}, not at the planned ${String(planned.commit).slice(0, 12)}`
    }
  if (fingerprintOf(planned.assets) !== fingerprintOf(digestsOf(latest.assets)))
    return { status: 'fail', detail: 'its assets have changed since the plan was made' }
  return { status: 'pass', detail: `${commit.slice(0, 12)}, ${latest.assets.length} assets as planned` }
}

async function assetsOf(github: GitHub, { assets }: GitHubRelease, signal: AbortSignal): Promise<Verdict> {
  if (assets.length === 0) return { status: 'pass', detail: 'it has none besides its source' }
  const { gone, unknown, tried, verified } = await tryAssets(github, assets, { verify: true, most: maxAssets }, signal)
  if (gone.length > 0) return { status: 'fail', detail: oneLine(gone.join('; '), 300) }
  if (unknown.length > 0) return { status: 'unknown', detail: oneLine(unknown.join('; '), 300) }
  const rest = assets.length > tried ? `, ${assets.length - tried} not tried` : ''
  return { status: 'pass', detail: `${tried} tried, ${verified} of them read whole and as recorded${rest}` }
}

/** null where a page is shown only to logged-in users: there the API alone can be checked. */
async function pageOf(github: GitHub, { tag_name: tag }: GitHubRelease, signal: AbortSignal): Promise<Verdict | null> {
  const { repository } = await github.repository(signal)
  if (repository.private) return null
  const page = await github.latestPage(repository.full_name, signal)
  if (page.leads === 'closed') return null
  if (page.leads !== 'tag') return { status: 'unknown', detail: 'the page did not show which release it is' }
  return page.tag === tag
    ? { status: 'pass', detail: `it leads to ${tag}` }
    : { status: 'unknown', detail: `a cache before the page still leads to ${page.tag}` }
}
