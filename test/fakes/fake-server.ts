import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export interface Asked {
  method: string
  /** Without the query, decoded by nobody. */
  path: string
  query: URLSearchParams
  headers: IncomingHttpHeaders
  body: string
}

export interface Answer {
  status: number
  headers?: Record<string, string>
  /** Sent as it is when text or bytes, else as JSON. */
  body?: unknown
  /** Waits before it answers. */
  afterMs?: number
}

/** Looks at each request before the server does; what it returns is answered instead. `hang up` closes the connection. */
export type Fault = (asked: Asked) => Answer | 'hang up' | undefined | Promise<Answer | 'hang up' | undefined>

export interface FakeServer {
  /** Without a slash at the end. */
  url: string
  /** Every request so far. */
  asked: Asked[]
  /** "PATCH /x" of every request so far. */
  log(): string[]
  /** What the server itself found wrong, with a request or with its own answer; tests expect none. */
  wrong: string[]
  fault(fault: Fault | undefined): void
  stop(): Promise<void>
}

/** A server on a free loopback port that answers by a function. */
export async function fakeServer(answer: (asked: Asked) => Answer | Promise<Answer>): Promise<FakeServer> {
  const asked: Asked[] = []
  const wrong: string[] = []
  let fault: Fault | undefined
  const server = createServer(async (incoming, outgoing) => {
    // A client that ends, or a test that stops the server, may break a request in the middle.
    const received = await text(incoming).catch(() => null)
    if (received === null) return
    const url = new URL(incoming.url ?? '/', 'http://fake')
    const request: Asked = {
      method: incoming.method ?? 'GET',
      path: url.pathname,
      query: url.searchParams,
      headers: incoming.headers,
      body: received
    }
    asked.push(request)
    let given: Answer | 'hang up'
    try {
      given = (await fault?.(request)) ?? (await answer(request))
    } catch (error) {
      wrong.push(`${request.method} ${request.path}: ${String(error)}`)
      given = { status: 500, body: { message: String(error) } }
    }
    if (given === 'hang up') {
      incoming.socket.destroy()
      return
    }
    const { status, headers = {}, body, afterMs } = given
    if (afterMs) await new Promise((resolve) => setTimeout(resolve, afterMs))
    const raw = body === undefined || typeof body === 'string' || body instanceof Uint8Array
    outgoing.writeHead(status, { ...(raw ? {} : { 'content-type': 'application/json; charset=utf-8' }), ...headers })
    const sent = request.method === 'HEAD' ? '' : raw ? (body ?? '') : JSON.stringify(body)
    outgoing.end(sent)
    // An answer that is shorter than it says breaks off.
    if (request.method !== 'HEAD' && Number(headers['content-length']) > Buffer.byteLength(sent))
      outgoing.once('finish', () => incoming.socket.destroySoon())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    wrong,
    log: () => asked.map(({ method, path }) => `${method} ${path}`),
    fault(next) {
      fault = next
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
  }
}

/** One page of a list, cut as a platform with page numbers does it, with the Link header (RFC 8288) that leads to the others. */
export function pageOf<Item>(
  items: readonly Item[],
  { path, query }: Asked,
  origin: string,
  usual = 30
): { items: Item[]; headers: Record<string, string> } {
  const size = Math.min(100, Math.max(1, Number(query.get('per_page') ?? usual) || usual))
  const page = Math.max(1, Number(query.get('page') ?? 1) || 1)
  const last = Math.max(1, Math.ceil(items.length / size))
  const link = (to: number, rel: string): string => {
    const params = new URLSearchParams(query)
    params.set('page', String(to))
    return `<${origin}${path}?${params}>; rel="${rel}"`
  }
  const links = [
    ...(page > 1 ? [link(page - 1, 'prev'), link(1, 'first')] : []),
    ...(page < last ? [link(page + 1, 'next'), link(last, 'last')] : [])
  ]
  return {
    items: items.slice((page - 1) * size, page * size),
    headers: links.length > 0 ? { link: links.join(', ') } : {}
  }
}
