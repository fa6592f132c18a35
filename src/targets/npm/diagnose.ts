import semver from 'semver'
import type { Diagnosis, TimelineEvent } from '../../model/diagnosis.ts'
import { oneLine, quoted } from '../../support/text.ts'
import type { NpmContext } from './context.ts'
import { manifestDifferences } from './manifest-differences.ts'
import { deprecationOf, type Packument, personName, publishedAt } from './packument.ts'
import type { NpmSettings } from './settings.ts'
import { tarballVerified } from './tarball.ts'

/** What a registry knows of why a version fails: who published it when, and what differs from the one before. */
export async function diagnose({ registry, settings }: NpmContext, signal: AbortSignal): Promise<Diagnosis> {
  const [tags, packument] = await Promise.all([registry.distTags(signal), registry.packument(signal)])
  const version = tags[settings.tag]
  if (!version) return { findings: [`${settings.name} has no tag ${settings.tag}`], events: [], evidence: [] }
  const manifest = packument.versions[version]
  if (!manifest)
    return { findings: [`${settings.tag} points at ${version}, which is not published`], events: [], evidence: [] }
  const before = versionBefore(packument, version)
  const earlier = before === undefined ? undefined : packument.versions[before]
  const tarball = await tarballVerified(registry, manifest, signal)
  const deprecation = deprecationOf(manifest)
  const differences = earlier ? manifestDifferences(earlier, manifest) : []
  return {
    findings: [
      ...(tarball.state === 'there' ? [] : [`${version}: ${tarball.detail}`]),
      ...(deprecation ? [`${version} is deprecated: ${quoted(deprecation, 160)}`] : []),
      publication(packument, version),
      ...differences.slice(0, 12).map((line) => `${version} differs from ${before}: ${line}`),
      ...(differences.length > 12 ? [`and ${differences.length - 12} further differences from ${before}`] : []),
      ...(earlier && differences.length === 0
        ? [`the manifests of ${before} and ${version} are the same; the code may differ`]
        : []),
      'which packages and projects depend on it cannot be read from the registry'
    ],
    events: [before, version].flatMap((one) => (one ? eventOf(settings, packument, one) : [])),
    evidence: []
  }
}

function publication(packument: Packument, version: string): string {
  const by = personName(packument.versions[version]?._npmUser)
  const at = publishedAt(packument, version)
  return `${version} was published ${at ? `at ${at}` : 'at an unknown time'}${by ? ` by ${oneLine(by, 60)}` : ''}`
}

/** The highest version below it that is published, of the same kind (stable or not). */
function versionBefore(packument: Packument, version: string): string | undefined {
  const stable = semver.prerelease(version) === null
  return Object.keys(packument.versions)
    .filter((one) => semver.valid(one) && semver.lt(one, version) && (!stable || semver.prerelease(one) === null))
    .sort(semver.rcompare)[0]
}

function eventOf({ name, registry }: NpmSettings, packument: Packument, version: string): TimelineEvent[] {
  const at = publishedAt(packument, version)
  const by = personName(packument.versions[version]?._npmUser)
  if (!at) return []
  return [
    {
      at,
      text: `${name}@${version} was published${by ? ` by ${oneLine(by, 60)}` : ''}`,
      source: `registry ${new URL(registry).host}`
    }
  ]
}
