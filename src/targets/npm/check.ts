import type { Check, CheckReport } from '../../model/check.ts'
import type { Release } from '../../model/release.ts'
import { oneLine } from '../../support/text.ts'
import type { CheckOptions } from '../target.ts'
import type { NpmContext } from './context.ts'
import { inShort } from './failure.ts'
import { type Installed, installByTag } from './install.ts'
import { type DistTags, digestOf, type Packument } from './packument.ts'
import type { Registry } from './registry.ts'
import type { NpmSettings } from './settings.ts'
import { siblingsCheck } from './siblings.ts'
import { tarballVerified } from './tarball.ts'

/**
 * Whether the registry answers with the release, and whether installing by the tag gives it. The first check of a soak installs; a later
 * one does so again only when the tag or the digest has changed.
 */
export async function check(
  context: NpmContext,
  release: Release,
  { signal, baseline }: CheckOptions
): Promise<CheckReport> {
  const { registry, settings } = context
  let tags: DistTags
  let packument: Packument
  try {
    ;[tags, packument] = await Promise.all([registry.distTags(signal), registry.packument(signal)])
  } catch (error) {
    signal.throwIfAborted()
    return { checks: [tagCheck(settings, 'unknown', inShort(error))], observed: baseline ?? {} }
  }
  const digest = digestOf(packument.versions[release.version])
  const state = { tag: tags[settings.tag] ?? null, page: packument['dist-tags'][settings.tag] ?? null, digest }
  const same =
    baseline?.installed === true &&
    baseline.tag === state.tag &&
    baseline.page === state.page &&
    baseline.digest === digest
  if (same)
    return {
      checks: [tagOf(settings, release, state), identityOf(release, digest), stillInstalled(settings, release)],
      observed: baseline
    }
  const tarball = await tarballOf(registry, packument, release, signal)
  const installed = await installByTag(context, signal)
  const install = installCheck(settings, release, digest, state, installed)
  const tree = installed.state === 'installed' ? installed.siblings : []
  const proofs = [tarball, install, ...(await siblingsCheck(context, release, packument, tree, signal))]
  return {
    checks: [tagOf(settings, release, state), identityOf(release, digest), ...proofs],
    observed: { ...state, installed: proofs.every(({ status }) => status === 'pass') }
  }
}

interface Answered {
  tag: string | null
  page: string | null
}

const tagCheck = ({ tag }: NpmSettings, status: Check['status'], detail: string): Check => ({
  id: 'dist_tag',
  title: `The registry answers with ${tag}`,
  status,
  detail
})

const tagOf = (settings: NpmSettings, { version }: Release, { tag }: Answered): Check =>
  tagCheck(
    settings,
    tag === version ? 'pass' : 'fail',
    `${settings.tag} is ${tag ?? 'not set'}, read without any cache of this machine`
  )

function identityOf({ id, version }: Release, digest: string | null): Check {
  const title = 'It is the planned content'
  if (!digest)
    return {
      id: 'identity',
      title,
      status: 'fail',
      detail: `${version} is not published, or the registry records no digest of it`
    }
  if (!/^sha\d+[-:]/.test(id))
    return {
      id: 'identity',
      title,
      status: 'unknown',
      detail: `the digest of ${version} was unknown when the rollback was planned`
    }
  return {
    id: 'identity',
    title,
    status: digest === id ? 'pass' : 'fail',
    detail: `${version} is ${digest.slice(0, 24)}…`
  }
}

async function tarballOf(
  registry: Registry,
  packument: Packument,
  { version }: Release,
  signal: AbortSignal
): Promise<Check> {
  const common = { id: 'tarball', title: 'Its tarball downloads and is the recorded one' }
  const manifest = packument.versions[version]
  if (!manifest) return { ...common, status: 'fail', detail: `${version} is not published` }
  const tarball = await tarballVerified(registry, manifest, signal)
  if (tarball.state === 'there')
    return { ...common, status: tarball.verified ? 'pass' : 'unknown', detail: tarball.detail }
  return { ...common, status: tarball.state === 'unknown' ? 'unknown' : 'fail', detail: tarball.detail }
}

const installTitle = ({ name, tag }: NpmSettings): string => `Installing ${name}@${tag} gives it`

function installCheck(
  settings: NpmSettings,
  { version }: Release,
  digest: string | null,
  { tag, page }: Answered,
  installed: Installed
): Check {
  const common = { id: 'install', title: installTitle(settings) }
  if (installed.state !== 'installed')
    return { ...common, status: installed.state === 'failed' ? 'fail' : 'unknown', detail: installed.detail }
  if (installed.version === version) {
    const other = installed.integrity && digest?.startsWith('sha512-') && installed.integrity !== digest
    return other
      ? {
          ...common,
          status: 'fail',
          detail: `${version} was installed, with content that differs from the registry's record`
        }
      : {
          ...common,
          status: 'pass',
          detail: `${version} was installed in an empty folder, scripts off${without(installed.leftOut)}`
        }
  }
  if (tag === version && page === installed.version)
    return {
      ...common,
      status: 'unknown',
      detail: `a cache before the registry still gives ${installed.version}; the registry's own list of tags says ${version}`
    }
  return { ...common, status: 'fail', detail: `${installed.version} was installed, not ${version}` }
}

const without = (leftOut: readonly string[]): string =>
  leftOut.length === 0
    ? ''
    : `; optional dependencies were left out, from git or not to be fetched: ${oneLine(leftOut.join(', '), 160)}`

const stillInstalled = (settings: NpmSettings, { version }: Release): Check => ({
  id: 'install',
  title: installTitle(settings),
  status: 'pass',
  detail: `${version} was installed in an empty folder, scripts off; tag and content have not changed since`
})
