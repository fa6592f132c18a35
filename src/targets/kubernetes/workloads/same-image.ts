import { z } from 'zod'
import type { JsonObject } from '../../../model/json.ts'
import { orOn } from '../client/failure.ts'
import { inParallel } from '../client/parallel.ts'
import type { KubernetesContext } from '../context.ts'
import { digestOf, imagesRun, shortDigest } from '../objects/images-run.ts'
import type { WorkloadChange } from '../objects/move.ts'
import { addressText, shortText } from '../objects/names.ts'
import type { Template } from '../objects/objects.ts'
import { type Images, imagesSchema, pinned, repositoryOf } from '../objects/pins.ts'
import { isOf, isUnready } from '../objects/pods.ts'
import { differByRestart } from '../objects/restarts.ts'
import { templateHash } from '../objects/template.ts'
import type { Workload } from '../objects/workload.ts'
import { type Findings, joined } from '../preflight/findings.ts'
import { currentPods, rolloutOf } from './health.ts'

const snapshotSchema = z.looseObject({ template: z.string(), images: z.record(z.string(), z.string()).default({}) })

/** A workload's template and the images that it runs, as a recorded success keeps them. */
export const snapshotOf = (workload: Workload): JsonObject => ({
  template: workload.hash,
  images: imagesRun(currentPods(workload))
})

type Examined = Partial<Findings> & { change: WorkloadChange }

/** How a rollback puts templates back. */
interface Means {
  /** Whether it can put back a template with other images than the revision has. */
  pins: boolean
  /** Whether nothing but these templates goes back. */
  isAlone: boolean
}

/**
 * Fixes by digest the images of old templates whose tag names another image now, where the former digest is known. What would change
 * nothing is a blocker, or a risk while pods of the old template still serve.
 */
export async function withDigests(
  cluster: KubernetesContext,
  changes: readonly WorkloadChange[],
  signal: AbortSignal,
  means: Means = { pins: true, isAlone: true }
): Promise<{ changes: WorkloadChange[]; found: Findings }> {
  const each = await inParallel(changes, 12, (change) => examine(cluster, change, means, signal))
  const found = joined(each)
  // One that would only restart is nothing against going back with another.
  const isAll = each.length === found.blockers.length
  const notes = found.blockers.map(({ what, why }) => `${what}: ${why}.`)
  return {
    changes: each.map(({ change }) => change),
    found: isAll ? found : { ...found, blockers: [], notes }
  }
}

async function examine(
  cluster: KubernetesContext,
  change: WorkloadChange,
  { pins, isAlone }: Means,
  signal: AbortSignal
): Promise<Examined> {
  const { workload, revision, move } = change
  const present = imagesRun(currentPods(workload))
  const isSame = differByRestart(revision.template, workload.object.spec.template)
  const images = formerDigests(cluster, change)
  const set = setCommand(cluster, change, images)
  if (set && move.kind === 'deployment' && pins) return withImages(change, images, present)
  if (isSame && isAlone) return nothingChanges(cluster, change, present, set, signal)
  const title = `${shortText(move)} would go back to another image than the one that served`
  const detail = `${moved(change, images, present)}. Run after the rollback: "${set}".`
  return { change, risks: set ? [{ id: `image_moved:${addressText(move)}`, serious: true, title, detail }] : [] }
}

function withImages(change: WorkloadChange, images: Images, present: Record<string, string>): Examined {
  const { revision, move } = change
  const template = pinned(revision, images)
  const hash = templateHash(template)
  const to = { ...move.to, hash, own: revision.hash, pins: images }
  return {
    change: { ...change, revision: { ...revision, template, hash }, move: { ...move, to } },
    risks: [
      {
        id: `pinned:${addressText(move)}`,
        serious: false,
        title: `${shortText(move)} goes back with its image fixed by digest`,
        detail: `${moved(change, images, present)}. The next apply of a manifest with the tag ends this and brings the failed image back: move the tag, or write the digest into the manifest.`
      }
    ]
  }
}

async function nothingChanges(
  cluster: KubernetesContext,
  change: WorkloadChange,
  present: Record<string, string>,
  set: string,
  signal: AbortSignal
): Promise<Examined> {
  const { workload, revision, move } = change
  const id = `nothing_changes:${addressText(move)}`
  const what = `Going back to revision ${revision.number} of ${shortText(move)} changes nothing`
  const runs = revision.template.spec.containers.map(
    ({ name, image }) => `${image}${present[name] ? ` (${shortDigest(present[name])})` : ''}`
  )
  const why = `its template differs from the deployed one by a restart alone, so new pods of both run ${runs.join(', ')}`
  const restart = `${cluster.kubectl} -n ${move.namespace} rollout restart ${shortText(move)}`
  const next = set
    ? `Set the image that served: "${set}".`
    : `If a ConfigMap or Secret was changed, restore its content, then run "${restart}". If the tag was moved, ${await setByHand(cluster, change, present, signal)}.`
  const { wanted } = rolloutOf(workload.object)
  const remain = revision.available ?? 0
  if (wanted === 0 || remain < wanted) return { change, blockers: [{ id, what, why, next }] }
  const detail = `${remain} of its pods still serve and stay, but ${why}. ${next}`
  return { change, risks: [{ id, serious: true, title: `${what} but its rollout`, detail }] }
}

const allContainers = ({ spec }: Template) => [...spec.containers, ...(spec.initContainers ?? [])]

/** The digests that a revision's containers ran, where the same tag names another image now. */
export function formerDigests(
  { history }: KubernetesContext,
  { workload, revision, move }: Omit<WorkloadChange, 'follow'>
): Images {
  const present = imagesRun(currentPods(workload))
  const isSame = differByRestart(revision.template, workload.object.spec.template)
  const serving = (workload.pods ?? []).filter((pod) => isOf(pod, move) && !isUnready(pod))
  const recorded = history
    .filter(({ status }) => status === 'success')
    .flatMap(({ snapshot }) => snapshotSchema.safeParse(snapshot?.[addressText(move)]).data ?? [])
    .find(({ template }) => template === revision.hash)
  const former = { ...recorded?.images, ...imagesRun(serving) }
  const deployed = allContainers(workload.object.spec.template)
  const found = allContainers(revision.template).flatMap(({ name, image }) => {
    const [before, now] = [former[name], present[name]]
    const isLive = deployed.some((one) => one.name === name && one.image === image)
    if (!isLive || !before?.includes('@') || image.includes('@') || repositoryOf(before) !== repositoryOf(image))
      return []
    return (now || isSame) && digestOf(before) !== digestOf(now ?? '') ? [[name, before] as const] : []
  })
  return imagesSchema.catch({}).parse(Object.fromEntries(found))
}

const moved = ({ revision }: WorkloadChange, images: Images, present: Record<string, string>): string =>
  allContainers(revision.template)
    .filter(({ name }) => images[name])
    .map(({ name, image }) => {
      const now = present[name]
      return `${image} was ${shortDigest(images[name] ?? '')} in revision ${revision.number}${now ? ` and is ${shortDigest(now)} now` : ''}`
    })
    .join('; ')

const setCommand = ({ kubectl }: KubernetesContext, { move }: WorkloadChange, images: Images): string => {
  const pairs = Object.entries(images).map(([name, image]) => `${name}=${image}`)
  return pairs.length > 0 ? `${kubectl} -n ${move.namespace} set image ${shortText(move)} ${pairs.join(' ')}` : ''
}

const nodeSchema = z.looseObject({
  status: z
    .looseObject({ images: z.array(z.looseObject({ names: z.array(z.string()).nullish() })).nullish() })
    .default({})
})

/** What a person does where nothing says which digest served; the nodes may have others of the same repository. */
async function setByHand(
  cluster: KubernetesContext,
  change: WorkloadChange,
  present: Record<string, string>,
  signal: AbortSignal
): Promise<string> {
  const request = { doing: 'Reading the nodes', path: '/api/v1/nodes', signal }
  const { items } = await cluster.api.list(request, nodeSchema).catch(orOn({ items: [] }, 403))
  const named = items.flatMap(({ status }) => (status.images ?? []).flatMap(({ names }) => names ?? []))
  const { containers } = change.revision.template.spec
  const others = containers.flatMap(({ name, image }) =>
    named.filter(
      (one) =>
        /@sha256:[0-9a-f]{64}$/.test(one) &&
        repositoryOf(one) === repositoryOf(image) &&
        digestOf(one) !== digestOf(present[name] ?? '')
    )
  )
  const [first] = containers
  const sample = first
    ? setCommand(cluster, change, { [first.name]: `${repositoryOf(first.image)}@sha256:DIGEST` })
    : ''
  const have = [...new Set(others)].slice(0, 3)
  return `set the former image by its digest: "${sample}"${have.length > 0 ? `; the nodes have ${have.join(', ')}` : ''}`
}
