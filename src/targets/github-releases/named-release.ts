import { z } from 'zod'
import type { Release } from '../../model/release.ts'
import { oneLine } from '../../support/text.ts'
import type { GitHubState } from './observe.ts'
import type { GitHubRelease } from './shapes.ts'

/** A release as steps name it: by its number, and with the tag that it had when the plan was made. */
export const namedRelease = z.object({ id: z.number().int().positive(), tag: z.string().max(255) })

export type Named = z.infer<typeof namedRelease>

export const named = ({ id, tag_name: tag }: GitHubRelease): Named => ({ id, tag })

export const isNamed = (name: Named | null, release: Release | null): boolean =>
  name && release ? String(name.id) === release.id && oneLine(name.tag) === release.version : name === release

/** The release of that number, among those that were read. */
export const releaseIn = ({ latest, releases }: GitHubState, id: number): GitHubRelease | undefined =>
  latest?.id === id ? latest : releases.find((one) => one.id === id)
