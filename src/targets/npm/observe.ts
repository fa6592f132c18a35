import type { Health, Observation } from '../../model/observation.ts'
import { fingerprint } from '../../support/canonical.ts'
import { quoted } from '../../support/text.ts'
import type { Observed } from '../target.ts'
import type { NpmContext } from './context.ts'
import { type DistTags, deprecationOf, digestOf, type Packument } from './packument.ts'
import { releaseOf, releasesOf, tellsTimes } from './releases.ts'
import type { NpmSettings } from './settings.ts'
import { tarballThere } from './tarball.ts'

export interface NpmState {
  /** The registry's own list of tags; the packument may come from a cache. */
  tags: DistTags
  packument: Packument
}

/** What the registry says, now. @throws TargetError when it cannot be asked. */
export async function observe(context: NpmContext, signal: AbortSignal): Promise<Observed<NpmState>> {
  const { registry, settings, history } = context
  const [tags, packument] = await Promise.all([registry.distTags(signal), registry.packument(signal)])
  const known: Packument = { ...packument, 'dist-tags': tags }
  const version = tags[settings.tag]
  const alsoTagged = otherTags(tags, settings.tag, version)
  const manifest = version === undefined ? undefined : known.versions[version]
  const recorded = history.map((record) => record.version)
  const observation: Observation = {
    current: version === undefined ? null : releaseOf(known, version),
    health: await healthOf(context, known, version, signal),
    releases: releasesOf(known, settings.tag, version, recorded),
    risks: [],
    blockers: [],
    fingerprint: fingerprint({
      package: settings.name,
      registry: settings.registry,
      tag: settings.tag,
      points_at: version ?? null,
      also_tagged: alsoTagged,
      digest: digestOf(manifest),
      deprecation: deprecationOf(manifest)
    }),
    snapshot: { dist_tags: tags },
    packages: { provides: [settings.name], pulls: Object.keys(manifest?.dependencies ?? {}) },
    notes: [...settings.notes, ...staleNotes(settings, packument, tags), ...timeNotes(packument)]
  }
  return { observation, state: { tags, packument } }
}

/** The other tags that point at a version, sorted. */
export const otherTags = (tags: DistTags, tag: string, version: string | undefined): string[] =>
  Object.keys(tags)
    .filter((other) => other !== tag && version !== undefined && tags[other] === version)
    .sort()

/** A registry knows whether a version can be installed, not whether its code works. */
async function healthOf(
  { registry, settings: { name, tag } }: NpmContext,
  packument: Packument,
  version: string | undefined,
  signal: AbortSignal
): Promise<Health> {
  if (version === undefined) return { state: 'down', message: `${name} has no tag ${tag}: installing by it fails` }
  const manifest = packument.versions[version]
  if (!manifest)
    return { state: 'down', message: `${tag} points at ${version}, which is not published: installing fails` }
  const tarball = await tarballThere(registry, manifest, signal)
  if (tarball.state === 'unknown') return { state: 'unknown', message: `${version}: ${tarball.detail}` }
  if (tarball.state !== 'there') return { state: 'down', message: `${version} cannot be installed: ${tarball.detail}` }
  const deprecation = deprecationOf(manifest)
  if (deprecation) return { state: 'degraded', message: `${version} is deprecated: ${quoted(deprecation, 160)}` }
  return {
    state: 'healthy',
    message: `${version} can be installed; a registry cannot show whether its code works`
  }
}

const staleNotes = ({ tag }: NpmSettings, packument: Packument, tags: DistTags): string[] =>
  packument['dist-tags'][tag] === tags[tag]
    ? []
    : [
        `The registry contradicts itself: its list of tags says ${tag} is ${tags[tag] ?? 'not set'}, the package document says ${packument['dist-tags'][tag] ?? 'not set'}. The list is used.`
      ]

const timeNotes = (packument: Packument): string[] =>
  tellsTimes(packument)
    ? []
    : [
        'The registry does not tell when versions were published, so it shows neither when each served nor what was published after a rollback. Candidates are ordered by deploy.json, then by version.'
      ]
