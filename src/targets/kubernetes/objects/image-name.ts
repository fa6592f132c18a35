/** An image tag (distribution's reference grammar), or a revision where tags do not tell revisions apart. */
export const versionPattern = /^[\w][\w.-]{0,127}$/

/** The tag of an image reference; null where it has none and is therefore named by revision. */
export function tagOf(image: string): string | null {
  const withoutDigest = image.replace(/@.*$/, '')
  const tag = /:([\w][\w.-]{0,127})$/.exec(withoutDigest)?.[1]
  return tag && tag !== 'latest' ? tag : null
}

export const revisionVersion = (revision: number): string => `revision-${revision}`
