import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

export interface Asked {
  method: string
  path: string
  headers: IncomingMessage['headers']
  body: string
}

export type Answer = { status: number; headers?: Record<string, string>; body?: unknown } | 'hang up' | undefined

/** Looks at each request; what it returns is answered in place of the registry. */
export type Fault = (asked: Asked) => Answer | Promise<Answer>

export interface FaultyRegistry {
  url: string
  /** Every request so far, "PUT /x". */
  log: string[]
  stop(): Promise<void>
}

/** Stands in front of a real registry and lets one thing go wrong. */
export async function faultyRegistry(upstream: string, fault: Fault): Promise<FaultyRegistry> {
  const log: string[] = []
  const server = createServer(async (incoming, outgoing) => {
    // A client that ends, or a test that stops the server, may break a request in the middle.
    const body = await buffer(incoming).catch(() => null)
    if (body === null) return
    const { method = 'GET', url = '/', headers } = incoming
    log.push(`${method} ${url}`)
    const answer = await fault({ method, path: url, headers, body: body.toString() })
    if (answer === 'hang up') {
      incoming.socket.destroy()
      return
    }
    if (answer) {
      outgoing.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers })
      outgoing.end(answer.body === undefined ? '{}' : JSON.stringify(answer.body))
      return
    }
    const forwarded = request(new URL(url, upstream), { method, headers }, (response) => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(outgoing)
    })
    forwarded.on('error', () => incoming.socket.destroy())
    forwarded.end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/`,
    log,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
  }
}
