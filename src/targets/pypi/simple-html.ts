import type { SimpleProject } from './shapes.ts'

/** Reads a project of the Simple API as HTML (PEP 503, with `data-yanked` of PEP 592), as many indexes have it; null when it is none. */
export function projectFromHtml(html: string, page: string, name: string): SimpleProject | null {
  const files: SimpleProject['files'] = []
  for (const [, attributes = '', inner = ''] of html.matchAll(/<a\b((?:[^<>"']|"[^"]*"|'[^']*')*)>([^<]*)<\/a>/gi)) {
    const href = attribute(attributes, 'href')
    if (href === undefined || !URL.canParse(href, page)) continue
    const url = new URL(href, page)
    const [, algorithm, digest] = /^#(\w+)=([0-9a-fA-F]+)$/.exec(url.hash) ?? []
    url.hash = ''
    const yanked = attribute(attributes, 'data-yanked')
    const python = attribute(attributes, 'data-requires-python')
    files.push({
      filename: decode(inner.trim()) || (url.pathname.split('/').at(-1) ?? ''),
      url: url.href,
      hashes: algorithm && digest ? { [algorithm]: digest.toLowerCase() } : {},
      yanked: yanked === undefined ? false : yanked || true,
      ...(python && { 'requires-python': python })
    })
  }
  return files.length > 0 || /<html|<!doctype html|<a\b/i.test(html) ? { name, files } : null
}

function attribute(attributes: string, name: string): string | undefined {
  const found = new RegExp(`(?:^|\\s)${name}(?:\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s"'>]+)))?(?=\\s|$)`, 'i').exec(
    attributes
  )
  return found ? decode(found[1] ?? found[2] ?? found[3] ?? '') : undefined
}

const entities: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

const decode = (text: string): string =>
  text.replace(/&(?:(lt|gt|amp|quot|apos)|#(\d{1,6})|#x([0-9a-f]{1,5}));/gi, (whole, name, decimal, hex) => {
    if (name) return entities[String(name).toLowerCase()] ?? whole
    const code = decimal ? Number(decimal) : Number.parseInt(String(hex), 16)
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole
  })
