/** An image tag (distribution's reference grammar), or a revision where tags do not distinguish revisions. */
export const versionPattern = /^[\w][\w.-]{0,127}$/

/** The tag of an image reference; null if it has none, so that its revision names it. */
export function tagOf(image: string): string | null {
  const withoutDigest = image.split('@', 1)[0] ?? ''
  const tag = /:([\w][\w.-]{0,127})$/.exec(withoutDigest)?.[1]
  return tag && tag !== 'latest' ? tag : null
}

export const revisionVersion = (revision: number): string => `revision-${revision}`

/** One spelling of an image's many: with its registry, and with the digest alone if it has one (distribution/reference). */
export function fullName(image: string): string {
  const [named = '', digest] = image.split('@')
  const tag = /:[\w][\w.-]*$/.exec(named)?.[0]
  const path = tag ? named.slice(0, -tag.length) : named
  const [first = ''] = path.split('/')
  const hasRegistry = path.includes('/') && (/[.:]/.test(first) || first === 'localhost')
  const whole = hasRegistry ? path : `docker.io/${path.includes('/') ? '' : 'library/'}${path}`
  return digest ? `${whole}@${digest}` : `${whole}${tag ?? ':latest'}`
}
