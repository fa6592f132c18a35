import { createHash, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface MemoryRegistry {
  /** "127.0.0.1:5001", which engines use without TLS. */
  host: string
  close(): Promise<void>
}

/** A registry as far as `docker push` and `docker pull` need one (distribution-spec, "Push" and "Pull"). */
export async function memoryRegistry(): Promise<MemoryRegistry> {
  const stored = new Map<string, { body: Buffer; type?: string }>()
  const uploads = new Map<string, Buffer>()
  const digestOf = (body: Buffer): string => `sha256:${createHash('sha256').update(body).digest('hex')}`
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://registry')
    const answer = (status: number, headers: Record<string, string> = {}, body?: Buffer) =>
      response.writeHead(status, headers).end(body)
    const [, upload] = /\/blobs\/uploads\/(.*)$/.exec(pathname) ?? []
    if (upload !== undefined) {
      const id = upload || randomUUID()
      const body = Buffer.concat([uploads.get(id) ?? Buffer.alloc(0), await bodyOf(request)])
      uploads.set(id, body)
      const digest = searchParams.get('digest')
      if (request.method !== 'PUT' || !digest) {
        const location = upload ? pathname : `${pathname}${id}`
        return answer(202, { location, range: `0-${Math.max(0, body.length - 1)}`, 'docker-upload-uuid': id })
      }
      stored.set(digest, { body })
      return answer(201, { location: pathname, 'docker-content-digest': digest })
    }
    const name = pathname.replace(/^.*\/(blobs|manifests)\//, '')
    const key = /\/blobs\//.test(pathname) || name.startsWith('sha256:') ? name : pathname
    if (request.method === 'PUT') {
      const body = await bodyOf(request)
      const kept = { body, type: request.headers['content-type'] ?? '' }
      for (const one of [key, digestOf(body)]) stored.set(one, kept)
      return answer(201, { location: pathname, 'docker-content-digest': digestOf(body) })
    }
    if (/\/v2\/$/.test(pathname)) return answer(200)
    const found = stored.get(key)
    if (!found) return answer(404)
    const { body, type = 'application/octet-stream' } = found
    const headers = {
      'content-type': type,
      'content-length': String(body.length),
      'docker-content-digest': digestOf(body)
    }
    return answer(200, headers, request.method === 'HEAD' ? undefined : body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => server.close(() => resolve()))
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return Buffer.concat(parts)
}
