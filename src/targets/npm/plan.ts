import type { Blocker, Observation, Risk } from '../../model/observation.ts'
import type { PlanDraft } from '../../model/plan.ts'
import type { Release } from '../../model/release.ts'
import { fingerprint } from '../../support/canonical.ts'
import { quoted } from '../../support/text.ts'
import { mayBeSound } from '../release-line.ts'
import { between, notRepaired } from './aftermath.ts'
import type { NpmContext } from './context.ts'
import { deprecate, deprecateCommand, deprecationMessage } from './deprecate.ts'
import { type NpmState, otherTags } from './observe.ts'
import { deprecationOf, digestOf, type Manifest } from './packument.ts'
import { recordedDigest } from './releases.ts'
import { rightsOf } from './rights.ts'
import { setOtherTag, setTag } from './set-tag.ts'
import type { NpmSettings } from './settings.ts'
import { tarballVerified } from './tarball.ts'

const mostBetween = 20

/** The steps from what the tag points at to a release, with every precondition checked. */
export async function plan(
  context: NpmContext,
  observation: Observation,
  { tags, packument }: NpmState,
  release: Release,
  signal: AbortSignal
): Promise<PlanDraft> {
  const { settings } = context
  const { version } = release
  const manifest = packument.versions[version]
  const current = observation.current?.version ?? null
  const failed = current === null ? undefined : packument.versions[current]
  const [candidate, rights] = await Promise.all([
    candidateOf(context, version, manifest, signal),
    rightsOf(context, packument, signal)
  ])
  const { name, registry, tag } = settings
  const place = { package: name, registry, tag }
  const move = { from: observation.current, to: release }
  const former = deprecationOf(failed)
  const message = deprecationMessage(name, current ?? '', version, former)
  const failure = { ...place, version: current ?? '', former, message }
  const sound = mayBeSound(failure.version, version)
  const others = otherTags(tags, tag, current ?? undefined)
  const inBetween = current && !sound ? between(packument, current, version).slice(-mostBetween) : []
  return {
    steps: [
      setTag.plan(context, { ...place, from: current, to: version }, move),
      ...(sound
        ? []
        : others.map((other) => setOtherTag.plan(context, { ...place, tag: other, from: current, to: version }, move))),
      ...(failed && settings.deprecate && !sound ? [deprecate.plan(context, failure, move)] : []),
      ...(settings.deprecate === 'between'
        ? inBetween.map((one) =>
            deprecate.plan(
              context,
              { ...place, version: one, former: '', message: deprecationMessage(name, one, version, '') },
              move
            )
          )
        : [])
    ],
    risks: [...candidate.risks, ...rights.risks],
    blockers: [...candidate.blockers, ...rights.blockers],
    fingerprint: fingerprint({ digest: digestOf(manifest), deprecation: deprecationOf(manifest) }),
    notes: [
      ...(sound
        ? [
            `${current} is not deprecated: ${sound}, so ${current} may be sound. If it is broken: ${deprecateCommand(failure, message)}`
          ]
        : []),
      ...(sound && others.length > 0 ? [`These tags stay at ${current}: ${others.join(', ')}.`] : []),
      ...(current === null
        ? []
        : [...betweenNotes(settings, inBetween, version), ...notRepaired(name, current, version)])
    ]
  }
}

async function candidateOf(
  { registry, settings: { name }, history }: NpmContext,
  version: string,
  manifest: Manifest | undefined,
  signal: AbortSignal
): Promise<{ risks: Risk[]; blockers: Blocker[] }> {
  if (!manifest) return { risks: [], blockers: [unpublished(name, version)] }
  const tarball = await tarballVerified(registry, manifest, signal)
  if (tarball.state !== 'there')
    return { risks: [], blockers: [noTarball(name, version, tarball.state, tarball.detail)] }
  const risks: Risk[] = []
  const digest = digestOf(manifest)
  const recorded = recordedDigest(history, version)
  if (recorded && digest && recorded !== digest) risks.push(digestMoved(version, recorded, digest))
  if (!tarball.verified) risks.push(notVerified(version, tarball.detail))
  const deprecation = deprecationOf(manifest)
  if (deprecation) risks.push(deprecated(version, deprecation))
  return { risks, blockers: [] }
}

const unpublished = (name: string, version: string): Blocker => ({
  id: `unpublished:${version}`,
  what: `${name}@${version} is not published`,
  why: 'it was unpublished, or never published; a registry accepts no version twice',
  next: 'Choose another version, or publish the old code under a new one.'
})

const noTarball = (name: string, version: string, state: string, detail: string): Blocker => ({
  id: `tarball_${state}:${version}`,
  what: `${name}@${version} cannot be installed`,
  why: detail,
  next: state === 'unknown' ? 'Try again in a moment, or choose another version.' : 'Choose another version.'
})

const digestMoved = (version: string, recorded: string, found: string): Risk => ({
  id: `digest_moved:${version}`,
  serious: true,
  title: `${version} is not what it was when it was deployed`,
  detail: `deploy.json recorded ${recorded}, the registry now has ${found}`
})

const notVerified = (version: string, detail: string): Risk => ({
  id: `digest_unknown:${version}`,
  serious: false,
  title: `The content of ${version} could not be compared`,
  detail
})

const deprecated = (version: string, message: string): Risk => ({
  id: `candidate_deprecated:${version}`,
  serious: true,
  title: `${version} is deprecated`,
  detail: `${quoted(message, 160)}. Where a range allows another version, npm skips a deprecated one, even if a tag points at it.`
})

/** A rollback over several versions leaves those between, which ranges and exact versions still give. */
function betweenNotes(
  { name, registry, deprecate: wanted }: NpmSettings,
  versions: readonly string[],
  to: string
): string[] {
  if (versions.length === 0) return []
  const named = `Between ${to} and the failed version: ${versions.join(', ')}.`
  if (wanted === 'between') return [`${named} They are deprecated as well.`]
  const commands = `npm deprecate '${name}@>${to} <=${versions.at(-1)}' 'Rolled back; use ${name}@${to} instead.' --registry=${registry}`
  return [
    `${named} They are not deprecated. If they are bad, too, set "deprecate": "between" for the target, or run: ${commands}`
  ]
}
