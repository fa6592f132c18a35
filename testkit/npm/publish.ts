import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'

export interface Publication {
  name: string
  version: string
  /** The tag that publishing moves; default latest. */
  tag?: string
  /** By path within the package. */
  files?: Record<string, string>
  manifest?: Record<string, unknown>
}

/** Publishes a package as npm does: one document with the tarball attached. Returns the integrity of the tarball. */
export async function publish(registry: string, token: string, publication: Publication): Promise<string> {
  const { name, version, tag = 'latest', files = {}, manifest = {} } = publication
  const own = { name, version, description: 'A package of a test', ...manifest }
  const content = { 'package.json': JSON.stringify(own), 'index.js': `module.exports = '${version}'\n`, ...files }
  const tarball = pack(content)
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`
  const file = `${name.split('/').at(-1)}-${version}.tgz`
  const dist = {
    integrity,
    shasum: createHash('sha1').update(tarball).digest('hex'),
    tarball: `${registry}${name}/-/${file}`,
    fileCount: Object.keys(content).length,
    unpackedSize: Buffer.byteLength(Object.values(content).join(''))
  }
  const response = await fetch(`${registry}${name.replace('/', '%2f')}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({
      _id: name,
      name,
      'dist-tags': { [tag]: version },
      versions: { [version]: { ...own, _id: `${name}@${version}`, dist } },
      _attachments: {
        [`${name}-${version}.tgz`]: {
          content_type: 'application/octet-stream',
          data: tarball.toString('base64'),
          length: tarball.length
        }
      }
    })
  })
  if (!response.ok) throw new Error(`${name}@${version} was not published: ${response.status} ${await response.text()}`)
  await response.arrayBuffer()
  return integrity
}

/** Unpublishes one version as npm does: the document without it is sent back, then the tarball is deleted. */
export async function unpublish(registry: string, token: string, name: string, version: string): Promise<void> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
  const document = (await (await fetch(`${registry}${name}?write=true`, { headers })).json()) as {
    _rev: string
    versions: Record<string, unknown>
  }
  delete document.versions[version]
  const change = { method: 'PUT', headers, body: JSON.stringify(document) }
  const changed = await fetch(`${registry}${name}/-rev/${document._rev}`, change)
  const deleted = await fetch(`${registry}${name}/-/${name}-${version}.tgz/-rev/1`, { method: 'DELETE', headers })
  if (!changed.ok || !deleted.ok)
    throw new Error(`${name}@${version} was not unpublished: ${changed.status}, ${deleted.status}`)
}

/** A gzipped tar (POSIX ustar) with everything below `package/`. */
function pack(files: Record<string, string>): Buffer {
  const blocks = Object.entries(files).flatMap(([path, text]) => {
    const content = Buffer.from(text)
    const padding = Buffer.alloc((512 - (content.length % 512)) % 512)
    return [header(`package/${path}`, content.length), content, padding]
  })
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]))
}

function header(path: string, size: number): Buffer {
  const block = Buffer.alloc(512)
  const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, '0')}\0`
  block.write(path, 0)
  block.write(octal(0o644, 8), 100)
  block.write(octal(0, 8), 108)
  block.write(octal(0, 8), 116)
  block.write(octal(size, 12), 124)
  block.write(octal(0, 12), 136)
  block.write(' '.repeat(8), 148)
  block.write('0', 156)
  block.write('ustar\u000000', 257)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}
