import type { Release } from '../../model/release.ts'
import type { Mask } from '../../support/mask.ts'

/** Versions and their identities are what answers are about; an image often holds them in its environment, too. */
export function spareNames(mask: Mask, releases: readonly (Release | null)[]): void {
  for (const { version, id, commit } of releases.filter((release) => release !== null)) {
    mask.spare(version)
    mask.spare(id)
    if (commit) mask.spare(commit)
  }
}
