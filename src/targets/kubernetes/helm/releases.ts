import { z } from 'zod'
import type { Release, Served } from '../../../model/release.ts'
import { oneLine, quoted } from '../../../support/text.ts'
import type { KubernetesContext } from '../context.ts'
import { revisionVersion, tagOf, versionPattern } from '../objects/image-name.ts'
import { addressText, shortText } from '../objects/names.ts'
import { mainContainer } from '../objects/template.ts'
import type { Workload } from '../objects/workload.ts'
import { detailsOf, evidenceAgainst, type Part, releasesOf, servedAlone } from '../workloads/releases.ts'
import { type HelmState, helmReleaseId, runsNewest } from './helm-state.ts'
import { type HelmRevision, isAccepted } from './history.ts'
import { clusterRevision, findObject, imagesOf } from './manifest.ts'

/** What `plan` and `check` need of a Helm release. */
export const helmDetailsSchema = z.looseObject({
  helm: z.looseObject({
    name: z.string(),
    namespace: z.string(),
    revision: z.number().int(),
    content: z.string(),
    images: z.record(z.string(), z.record(z.string(), z.string()))
  })
})
export type HelmDetails = z.infer<typeof helmDetailsSchema>['helm']

/**
 * The newest revision, and the earlier ones with other content; equal content counts once. Where the cluster runs something else,
 * that is the current release, and the newest revision is one to go back to.
 */
export function releasesOfHelm(
  { config }: KubernetesContext,
  helmState: HelmState,
  workloads: readonly Workload[]
): { current: Release | null; releases: Release[]; mixedReleases: boolean } {
  const { revisions } = helmState
  const isNewest = runsNewest(helmState, workloads)
  const contents = [...new Set(revisions.map(({ content }) => content.hash))]
  const groups = contents.map((hash) => revisions.filter(({ content }) => content.hash === hash))
  const names = groups.map((group) => nameOf(group, workloads, config.container))
  // Newest first, so the first content is the current one.
  const all = groups.flatMap((group, index) => {
    const representative = group.find(isAccepted) ?? group[0]
    if (!representative) return []
    const name = names[index]
    const isUnique = names.filter((one) => one === name).length === 1
    const version = name && isUnique ? name : revisionVersion(representative.revision)
    return [releaseOf(helmState, workloads, group, representative, { version, isCurrent: isNewest && index === 0 })]
  })
  if (!isNewest) return { current: releasesOf(workloads).current, releases: all, mixedReleases: workloads.length > 1 }
  const [current = null, ...releases] = all
  return { current, releases, mixedReleases: false }
}

/** The tag that the workloads share, otherwise the chart's application version. */
function nameOf(
  [revision]: HelmRevision[],
  workloads: readonly Workload[],
  container: string | null | undefined
): string | undefined {
  if (!revision) return undefined
  const tags = workloads.map(({ address }) => {
    const template = findObject(revision.content.objects, address)?.template
    return template && tagOf(mainContainer(template, container)?.image ?? '')
  })
  const [tag] = tags
  if (tag && new Set(tags).size === 1) return tag
  return versionPattern.test(revision.appVersion) ? revision.appVersion : undefined
}

function releaseOf(
  helmState: HelmState,
  workloads: readonly Workload[],
  group: HelmRevision[],
  representative: HelmRevision,
  { version, isCurrent }: { version: string; isCurrent: boolean }
): Release {
  const { of } = helmState
  const { content, revision } = representative
  const parts = partsOf(workloads, representative)
  const served = isCurrent ? undefined : servedBy(helmState, workloads, group, parts)
  const against = isCurrent ? [] : [...refused(group), ...(parts ?? []).flatMap(evidenceAgainst)]
  const rolledBackAt = [
    ...(parts ?? []).flatMap((part) => part.revision.rolledBackAt ?? []),
    ...leftAt(helmState, content.hash)
  ]
    .sort()
    .at(-1)
  const images = workloads.flatMap(({ address }) => {
    const template = findObject(content.objects, address)?.template
    return template ? [[addressText(address), imagesOf(template)] as const] : []
  })
  return {
    version,
    id: helmReleaseId(of, content.hash),
    createdAt: representative.updated,
    ...(served && { served }),
    available: { state: 'yes' },
    ...(against.length > 0 && { against: against.slice(0, 5) }),
    ...(rolledBackAt && { rolledBackAt }),
    notes: group.slice(0, 3).map(noteOf),
    details: {
      revisions: detailsOf(parts ?? []),
      helm: { ...of, revision, content: content.hash, images: Object.fromEntries(images) }
    }
  }
}

/** The cluster's own revisions of it; null unless they are certain for every workload. */
function partsOf(workloads: readonly Workload[], { content }: HelmRevision): Part[] | null {
  const parts = workloads.flatMap((workload): Part[] => {
    const revision = clusterRevision(workload, content)
    return revision ? [{ workload, revision }] : []
  })
  return parts.length === workloads.length ? parts : null
}

const noteOf = ({ revision, status, chart, appVersion, description }: HelmRevision): string =>
  oneLine(
    `Helm's revision ${revision}: ${status}, ${chart}${appVersion ? ` of ${appVersion}` : ''} (${quoted(description)})`,
    300
  )

/** A revision that Helm itself gave up, unless equal content was accepted another time. */
const refused = (group: readonly HelmRevision[]): string[] => {
  const [first] = group
  return !first || group.some(isAccepted)
    ? []
    : [oneLine(`Helm records revision ${first.revision} as ${first.status}: ${quoted(first.description)}`, 200)]
}

const longEnoughMs = 600_000

/** Pods of it serve now; or nothing replaced it for longer than a rollout may take. */
function servedBy(
  { revisions }: HelmState,
  workloads: readonly Workload[],
  group: readonly HelmRevision[],
  parts: Part[] | null
): Served | undefined {
  const latest = group.find(isAccepted) ?? group[0]
  if (parts?.every(({ revision }) => (revision.available ?? 0) > 0))
    return {
      ...(latest && { from: latest.updated }),
      source: `its pods are available and serve now (${workloads.map(({ address }) => shortText(address)).join(', ')})`
    }
  const alone = parts?.map(servedAlone) ?? []
  if (parts?.some((part) => evidenceAgainst(part).length > 0)) return undefined
  for (const one of group.filter(isAccepted)) {
    const next = revisions.filter(({ revision }) => revision > one.revision).at(-1)
    if (!next) continue
    const forMs = Date.parse(next.updated) - Date.parse(one.updated)
    if (forMs >= longEnoughMs)
      return {
        from: one.updated,
        until: next.updated,
        forMs,
        source: `inferred: Helm kept its revision ${one.revision} until revision ${next.revision}`
      }
  }
  return alone.length > 0 && alone.every(Boolean) ? alone[0] : undefined
}

/** When Helm went back from it to an earlier revision ("Rollback to N"), also manually. */
function leftAt({ revisions }: HelmState, hash: string): string[] {
  return revisions.flatMap((one, index) => {
    if (!isAccepted(one) || !/^Rollback to \d+$/.test(one.description)) return []
    const before = revisions.slice(index + 1).find(({ content }) => content.hash !== one.content.hash)
    return before?.content.hash === hash ? [one.updated] : []
  })
}
