export type Headers = Record<string, string | string[] | undefined>

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
