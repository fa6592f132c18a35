/** The engine's own grammar of a container name. */
export const containerNamePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,200}$/
/** The grammar of a tag, and a digest as the other way to name an image exactly (opencontainers/distribution-spec). */
export const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/
export const digestPattern = /^sha256:[a-f0-9]{64}$/
export const versionPattern = /^(?:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|sha256:[a-f0-9]{64})$/

export interface Reference {
  /** Registry and path, without `docker.io/library/`: "web", "ghcr.io/shop/web". */
  repository: string
  tag?: string
  digest?: string
}

const longest = 1000

/** No text longer than this is a reference or names one with variables: it is not searched for the parts of one. */
export const isShort = (text: string): boolean => text.length <= longest

/** The parts of an image reference; null for anything else, such as an image id. */
export function parseReference(text: string): Reference | null {
  if (!isShort(text)) return null
  const match = /^([^@]+?)(?::([\w][\w.-]{0,127}))?(?:@(sha256:[a-f0-9]{64}))?$/.exec(text)
  const name = match?.[1]
  if (!name || name === 'sha256' || /^[a-f0-9]{64}$/.test(text) || !repositoryPattern.test(name)) return null
  return {
    repository: normalRepository(name),
    ...(match[2] ? { tag: match[2] } : {}),
    ...(match[3] ? { digest: match[3] } : {})
  }
}

const repositoryPattern =
  /^(?:[a-zA-Z0-9.-]+(?::\d+)?\/|\[[0-9a-fA-F:]+\](?::\d+)?\/)?[a-z0-9]+(?:[._-]+[a-z0-9]+|\/[a-z0-9]+)*$/

/** One spelling for one repository. */
export const normalRepository = (name: string): string =>
  name.replace(/^(?:index\.)?docker\.io\//, '').replace(/^library\//, '')

/** The registry's host and the path within it, as Docker reads them: a first part with a dot, a colon or "localhost" is a host. */
export function splitRepository(repository: string): { registry: string; path: string } {
  const slash = repository.indexOf('/')
  const first = slash < 0 ? '' : repository.slice(0, slash)
  if (first && (/[.:]/.test(first) || first === 'localhost'))
    return { registry: first, path: repository.slice(slash + 1) }
  return { registry: 'docker.io', path: repository.includes('/') ? repository : `library/${repository}` }
}

/** Tags that name no version. */
export const isGenericTag = (tag: string): boolean =>
  /^(latest|stable|edge|main|master|develop|dev|nightly|current|production|prod|staging|canary|release)$/i.test(tag)

export const shortId = (id: string): string => id.replace(/^sha256:/, '').slice(0, 12)
