export type Headers = Record<string, string | string[] | undefined>

/** What the other side answered, whatever its status. */
export interface Answer {
  status: number
  /** By their names in lower case. */
  headers: Headers
  body: Buffer
  /** The body was longer than allowed, and only its beginning is here. */
  cut: boolean
}

/** An answer that refuses, its text masked. */
export interface Said {
  status: number
  headers: Headers
  text: string
}

/** A header by its name in lower case; the first one where it came several times. */
export const headerOf = (headers: Headers, name: string): string | undefined => {
  const value = headers[name]
  return Array.isArray(value) ? value[0] : value
}

/** The address of a Link header with the given relation (RFC 8288). */
export function linkOf(headers: Headers, relation: string): string | undefined {
  for (const [, address, parameters = ''] of (headerOf(headers, 'link') ?? '').matchAll(/<([^<>]*)>((?:;[^,;]*)*)/g))
    if (new RegExp(`;\\s*rel="?${relation}"?\\s*(;|$)`).test(parameters)) return address
  return undefined
}

/** Where an answer redirects to; null when it does not, or not to a web address. */
export function redirectOf({ status, headers }: Pick<Answer, 'status' | 'headers'>, from: URL): URL | null {
  const location = headerOf(headers, 'location')
  if (!location || status < 300 || status >= 400 || !URL.canParse(location, from.href)) return null
  const to = new URL(location, from)
  return /^https?:$/.test(to.protocol) ? to : null
}
