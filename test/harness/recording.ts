import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, connect, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

export interface Recording {
  /** Leads every request through the proxy, and every program to a stand-in. */
  env: Record<string, string>
  /** A file with the certificate of every host. */
  certificate: string
  /** Hosts that were asked for, without their ports. */
  hosts(): string[]
  /** Programs that were started. */
  programs(): string[]
  stop(): Promise<void>
}

/**
 * The world as a server may meet it: a proxy that notes each host and leads to a stand-in for it, and a PATH of programs that note that they
 * were started.
 * @param routes where each host's stand-in is. In its answers, the stand-in's own address becomes the host's.
 * @param programs what the stand-in for each program does, in the language of sh.
 */
export async function recording(routes: Record<string, string>, programs: Record<string, string>): Promise<Recording> {
  const dir = mkdtempSync(join(tmpdir(), 'pop-recording-'))
  const log = join(dir, 'programs')
  writeFileSync(log, '')
  mkdirSync(join(dir, 'bin'))
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(join(dir, 'bin', name), `#!/bin/sh\necho ${name} >> ${log}\n${script}\n`)
    chmodSync(join(dir, 'bin', name), 0o755)
  }
  const hosts = new Set<string>()
  const sockets = new Set<Socket>()
  const certificate = join(dir, 'cert.pem')
  const web = createSecureServer(certified(Object.keys(routes), certificate), answerFrom(routes))
  const plain = createServer(answerFrom(routes))
  const proxy = createServer((request, response) => {
    hosts.add(new URL(request.url ?? '').hostname)
    answerFrom(routes)(request, response)
  }).on('connect', ({ url = '' }, client: Socket) => {
    const { hostname, port } = new URL(`tcp://${url}`)
    hosts.add(hostname)
    if (!routes[hostname]) return void client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
    const server = connect(portOf(port === '80' ? plain : web), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n')
      server.pipe(client).pipe(server)
    })
    for (const socket of [client, server]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket))
    }
  })
  const servers = [web, plain, proxy]
  for (const server of servers) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = `http://127.0.0.1:${portOf(proxy)}`
  return {
    env: {
      PATH: join(dir, 'bin'),
      ...Object.fromEntries(['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy'].map((name) => [name, address])),
      NO_PROXY: '',
      no_proxy: '',
      NODE_EXTRA_CA_CERTS: certificate
    },
    certificate,
    hosts: () => [...hosts].sort(),
    programs: () => [...new Set(readFileSync(log, 'utf8').split('\n').filter(Boolean))].sort(),
    async stop() {
      for (const socket of sockets) socket.destroy()
      for (const server of servers) server.closeAllConnections()
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
      rmSync(dir, { recursive: true })
    }
  }
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port

function answerFrom(routes: Record<string, string>): RequestListener {
  const entries = Object.entries(routes).sort(([, a], [, b]) => b.length - a.length)
  const published = (body: string): string =>
    entries.reduce((result, [host, stand]) => result.replaceAll(stand, `https://${host}`), body)
  return async (request, response) => {
    const { method = 'GET', headers } = request
    const host = headers.host?.replace(/:\d+$/, '') ?? ''
    const path = (request.url ?? '/').replace(/^https?:\/\/[^/]+/, '')
    const body = await text(request)
    const answer = await fetch(`${routes[host]}${path}`, {
      method,
      headers: endToEnd(Object.entries(headers).map(([name, value]) => [name, String(value)])),
      redirect: 'manual',
      ...(body && { body })
    })
    const given = endToEnd([...answer.headers]).map(([name, value]) => [name, published(value)])
    response.writeHead(answer.status, Object.fromEntries(given))
    response.end(Buffer.from(published(Buffer.from(await answer.arrayBuffer()).toString('latin1')), 'latin1'))
  }
}

/** The headers that are not about one connection, or the length of one body. */
const endToEnd = (headers: [string, string][]): [string, string][] =>
  headers.filter(([name]) => !/^(host|connection|keep-alive|transfer-encoding|content-(length|encoding))$/.test(name))

function certified(names: readonly string[], certificate: string): { key: Buffer; cert: Buffer } {
  const key = `${certificate}.key`
  const subject = ['-subj', '/CN=test', '-addext', `subjectAltName=${names.map((name) => `DNS:${name}`).join(',')}`]
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  execFileSync('openssl', ['req', '-x509', ...curve, ...subject, '-keyout', key, '-out', certificate], {
    stdio: 'ignore'
  })
  return { key: readFileSync(key), cert: readFileSync(certificate) }
}
