import { canonicalize } from 'json-canonicalize'
import type { Known } from '../../../target.ts'
import type { KubernetesContext } from '../../context.ts'
import type { Move } from '../../objects/move.ts'
import { addressText } from '../../objects/names.ts'
import { pinned, pinnedFrom } from '../../objects/pins.ts'
import { templateHash } from '../../objects/template.ts'
import type { ClusterState } from '../observe.ts'
import { formerDigests } from '../same-image.ts'
import { workloadAt } from './move-mismatch.ts'

/** Why the digests of a move, which a journal or a lease tells of, are none that a plan would fix images at. */
export function pinsMismatch(cluster: KubernetesContext, move: Move, known: Known<ClusterState>): string | null {
  const { pins, revision: name, hash } = move.to
  const workload = workloadAt(move, known)
  const revision = workload?.revisions.find((one) => one.name === name)
  if (!pins && !move.from.pins) return null
  const fits = pins && !move.from.pins && revision && templateHash(pinned(revision, pins)) === hash
  if (fits && workload) {
    if (workload.hash === hash && pinnedFrom(workload) === revision) return null
    if (canonicalize(formerDigests(cluster, { workload, revision, move })) === canonicalize(pins)) return null
  }
  return `${addressText(move)} is not known to have run the images that are to be fixed by digest`
}
