import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer as createHttpServer, type IncomingHttpHeaders } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface DomainAnswer {
  status: number
  text: string
  headers?: Record<string, string>
}

export interface Domains {
  /** What a client needs to reach the domains as the world does: a proxy, and the authority it trusts. */
  env: Record<string, string>
  stop(): Promise<void>
}

/** The web behind some domains: TLS with a certificate for each, reached through a proxy that knows where they are. */
export async function domainsOf(
  names: readonly string[],
  page: (host: string, headers: IncomingHttpHeaders) => DomainAnswer | 'hang up'
): Promise<Domains> {
  const dir = mkdtempSync(join(tmpdir(), 'pop-domains-'))
  const subject = ['-subj', '/CN=test', '-addext', `subjectAltName=${names.map((name) => `DNS:${name}`).join(',')}`]
  const files = ['-keyout', join(dir, 'key.pem'), '-out', join(dir, 'cert.pem')]
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '2',
      ...subject,
      ...files
    ],
    {
      stdio: 'ignore'
    }
  )
  const sockets = new Set<Socket>()
  const web = createHttpsServer(
    { key: readFileSync(join(dir, 'key.pem')), cert: readFileSync(join(dir, 'cert.pem')) },
    (request, response) => {
      const answer = page(request.headers.host ?? '', request.headers)
      if (answer === 'hang up') return void request.socket.destroy()
      const { status, text, headers } = answer
      response.writeHead(status, { 'content-type': 'text/html', ...headers }).end(text)
    }
  )
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve))
  const proxy = createHttpServer().on('connect', (request, client: Socket) => {
    const host = request.url?.split(':')[0] ?? ''
    if (!names.includes(host)) return void client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
    const server = connect((web.address() as AddressInfo).port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n')
      server.pipe(client).pipe(server)
    })
    for (const socket of [client, server]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket))
    }
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  return {
    env: {
      https_proxy: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
      no_proxy: '127.0.0.1',
      NODE_EXTRA_CA_CERTS: join(dir, 'cert.pem')
    },
    async stop() {
      for (const socket of sockets) socket.destroy()
      await Promise.all([web, proxy].map((server) => new Promise((resolve) => server.close(resolve))))
      rmSync(dir, { recursive: true })
    }
  }
}
