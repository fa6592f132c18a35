import type { Release } from '../../../../model/release.ts'
import type { Known } from '../../../target.ts'
import { contentOf } from '../../helm/helm-state.ts'
import { findObject, sameImages } from '../../helm/manifest.ts'
import type { Move, Side } from '../../objects/move.ts'
import { type Address, addressText } from '../../objects/names.ts'
import type { Revision } from '../../objects/revision.ts'
import type { Workload } from '../../objects/workload.ts'
import type { ClusterState } from '../observe.ts'
import { revisionOf } from '../releases.ts'

type KnownState = Known<ClusterState>

/** The workload of deploy.json at an address. */
export const workloadAt = (address: Address, { state }: KnownState): Workload | undefined =>
  state.workloads.find((workload) => addressText(workload.address) === addressText(address))

/** Why a move is none between the two releases; null for one that is, whatever of it was done already. */
export function moveMismatch(move: Move, known: KnownState): string | null {
  const name = addressText(move)
  const workload = workloadAt(move, known)
  if (!workload) return `deploy.json does not name ${name}`
  if (workload.object.metadata.uid !== move.uid) return `${name} was deleted and created again`
  if (!isOfRelease(move, 'to', workload, known))
    return `${known.to.version} is not revision ${move.to.revision} of ${name} with that template`
  if (!isOfRelease(move, 'from', workload, known))
    return `${known.from?.version ?? 'what served'} is not revision ${move.from.revision || 'of that template'} of ${name} with that template`
  return isUntouched(move, workload) && !isAsObserved(move, workload) ? `${name} was changed since` : null
}

/** The first reason why one of several moves is none between the two releases. */
export const movesMismatch = (moves: readonly Move[], known: KnownState): string | null =>
  moves.flatMap((move) => moveMismatch(move, known) ?? [])[0] ?? null

function isOfRelease(move: Move, side: Side, workload: Workload, known: KnownState): boolean {
  const { revision: name, hash, own = hash } = move[side]
  const kept = workload.revisions.find((revision) => revision.name === name)
  if (kept && kept.hash !== own) return false
  if (known.state.helm.state === 'readable')
    return side === 'to' ? isOfHelm(kept, workload, known) : kept ? kept === leftBehind(move, workload) : isGone(move)
  const release: Release | null = known[side]
  const wanted = release && revisionOf(release, workload.address)
  return wanted?.name === (name || `pending-${hash}`) && wanted.hash === own
}

/** Helm's record names the images; which revision of the cluster they led to may be certain only now, or no longer. */
export function isOfHelm(kept: Revision | undefined, { address }: Workload, { state, to }: KnownState): boolean {
  const content = state.helm.state === 'readable' ? contentOf(state.helm.helmState, to) : undefined
  const wanted = content && findObject(content.objects, address)?.template
  return wanted !== undefined && kept !== undefined && sameImages(kept.template, wanted)
}

/** What served before, or serves still, while Helm goes back: others may have changed it, so Helm's record does not tell. */
const leftBehind = ({ to }: Move, { revisions }: Workload): Revision | undefined =>
  revisions.find(({ name }) => name !== to.revision)

/** The cluster keeps it no longer, so nothing can be put back; its name is as a controller makes it. */
const isGone = ({ name, from }: Move): boolean =>
  from.revision === '' ||
  (from.revision.startsWith(`${name}-`) && /^[a-z0-9]+$/.test(from.revision.slice(name.length + 1)))

/** Nothing of the move was done, or all of it was undone. */
const isUntouched = ({ from }: Move, { current, hash }: Workload): boolean =>
  from.revision === '' ? hash === from.hash : current?.name === from.revision

const isAsObserved = ({ from, paused }: Move, { hash, object }: Workload): boolean =>
  hash === from.hash && paused === (object.spec.paused === true)
