import type { Check, CheckReport } from '../../model/check.ts'
import type { JsonObject } from '../../model/json.ts'
import type { Release } from '../../model/release.ts'
import { fingerprintOf } from '../../support/canonical.ts'
import { messageOf } from '../../support/errors.ts'
import { oneLine } from '../../support/text.ts'
import type { Look } from '../target.ts'
import type { GitHub } from './api.ts'
import { tryAssets } from './assets.ts'
import { digestsOf } from './releases.ts'
import type { GitHubRelease } from './shapes.ts'

const mostAssets = 60

/**
 * Whether whoever asks for the latest release gets this one, and can download it. Downloading is done at the first look; a later look
 * within the same soak does it again only when the latest release or its assets are no longer the same.
 */
export async function check(github: GitHub, release: Release, { signal, baseline }: Look): Promise<CheckReport> {
  let latest: GitHubRelease | null
  try {
    latest = await github.latest(signal)
  } catch (error) {
    signal.throwIfAborted()
    return { checks: [latestCheck('unknown', oneLine(messageOf(error)))], observed: baseline ?? {} }
  }
  if (String(latest?.id) !== release.id)
    return { checks: [latestCheck('fail', `it is ${latest?.tag_name ?? 'none'}`)], observed: baseline ?? {} }
  const first = latestCheck('pass', `${release.version}, asked past every cache of this machine`)
  const state = fingerprintOf(latest && { id: latest.id, tag: latest.tag_name, assets: digestsOf(latest.assets) }, 16)
  if (baseline?.state === state && baseline.passed === true)
    return { checks: [first, { ...unchanged, detail: 'unchanged since it was tried' }], observed: baseline }
  const rest = latest ? await proofs(github, latest, release, signal) : []
  const passed = rest.every(({ status }) => status === 'pass')
  return { checks: [first, ...rest], observed: { state, passed } }
}

const latestCheck = (status: Check['status'], detail: string): Check => ({
  id: 'latest',
  title: 'It is the latest release',
  status,
  detail
})

const unchanged = { id: 'assets', title: 'Its assets can be downloaded', status: 'pass' as const }

async function proofs(github: GitHub, latest: GitHubRelease, release: Release, signal: AbortSignal): Promise<Check[]> {
  const [identity, assets, page] = await Promise.all([
    unlessUnknown('identity', 'It is what was planned', signal, () => identityOf(github, latest, release, signal)),
    unlessUnknown('assets', unchanged.title, signal, () => assetsOf(github, latest, signal)),
    unlessUnknown('page', 'Users who follow the address of the latest release get it', signal, () =>
      pageOf(github, latest, signal)
    )
  ])
  return [identity, assets, page].filter((one) => one !== null)
}

type Told = Pick<Check, 'status' | 'detail'>

/** null when the look finds that there is nothing to check. */
async function unlessUnknown(
  id: string,
  title: string,
  signal: AbortSignal,
  look: () => Promise<Told | null>
): Promise<Check | null> {
  try {
    const told = await look()
    return told && { id, title, ...told }
  } catch (error) {
    signal.throwIfAborted()
    return { id, title, status: 'unknown', detail: oneLine(messageOf(error)) }
  }
}

async function identityOf(
  github: GitHub,
  latest: GitHubRelease,
  { details }: Release,
  signal: AbortSignal
): Promise<Told> {
  const planned = details as JsonObject | undefined
  const commit = await github.commitOfTag(latest.tag_name, signal)
  if (!commit) return { status: 'fail', detail: `the tag ${latest.tag_name} is gone` }
  if (!planned?.commit) return { status: 'unknown', detail: 'its commit was not known when it was planned' }
  if (planned.commit !== commit)
    return {
      status: 'fail',
      detail: `its tag points at ${commit.slice(0, 12)}, planned was ${String(planned.commit).slice(0, 12)}`
    }
  if (fingerprintOf(planned.assets) !== fingerprintOf(digestsOf(latest.assets)))
    return { status: 'fail', detail: 'its assets are no longer those that were planned' }
  return { status: 'pass', detail: `${commit.slice(0, 12)}, ${latest.assets.length} assets as planned` }
}

async function assetsOf(github: GitHub, { assets }: GitHubRelease, signal: AbortSignal): Promise<Told> {
  if (assets.length === 0) return { status: 'pass', detail: 'it has none beyond its source' }
  const { gone, unknown, tried, verified } = await tryAssets(github, assets, { verify: true, most: mostAssets }, signal)
  if (gone.length > 0) return { status: 'fail', detail: oneLine(gone.join('; '), 300) }
  if (unknown.length > 0) return { status: 'unknown', detail: oneLine(unknown.join('; '), 300) }
  const rest = assets.length > tried ? `, ${assets.length - tried} not tried` : ''
  return { status: 'pass', detail: `${tried} tried, ${verified} of them read whole and as recorded${rest}` }
}

/** null where only whoever is logged in sees a page: that is seen by its API alone. */
async function pageOf(github: GitHub, { tag_name: tag }: GitHubRelease, signal: AbortSignal): Promise<Told | null> {
  const { repository } = await github.repository(signal)
  if (repository.private) return null
  const page = await github.latestPage(repository.full_name, signal)
  if (page.leads === 'closed') return null
  if (page.leads !== 'tag') return { status: 'unknown', detail: 'the page did not say which one it is' }
  return page.tag === tag
    ? { status: 'pass', detail: `it leads to ${tag}` }
    : { status: 'unknown', detail: `a cache before the page still leads to ${page.tag}` }
}
