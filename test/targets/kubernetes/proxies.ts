import { readFile, rm, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { Agent, request as secureRequest } from 'node:https'
import { type AddressInfo, createServer, connect as dial, isIP, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Answer } from '../../../testkit/built-server.ts'

/** A proxy to an API server that can be cut: what a client sees of a server that is restarted. */
export interface CuttableProxy {
  kubeconfig: string
  /** Ends every connection and accepts no more. */
  cut(): Promise<void>
  restore(): Promise<void>
  close(): Promise<void>
}

/** Passes TCP on to the API server of a kubeconfig, TLS and all, and gives a kubeconfig that leads through it. */
export async function cuttableProxy(kubeconfig: string): Promise<CuttableProxy> {
  const config = JSON.parse(await readFile(kubeconfig, 'utf8')) as Answer
  const { cluster } = config.clusters[0]
  const { hostname, port } = new URL(cluster.server)
  const sockets = new Set<Socket>()
  const proxy = createServer((client) => {
    const server = dial(Number(port || 443), hostname)
    for (const [one, other] of [
      [client, server],
      [server, client]
    ] as const) {
      sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
  })
  const listen = (at: number): Promise<void> => new Promise((resolve) => proxy.listen(at, '127.0.0.1', resolve))
  await listen(0)
  const own = (proxy.address() as AddressInfo).port
  cluster.server = `https://127.0.0.1:${own}`
  if (!isIP(hostname)) cluster['tls-server-name'] = hostname
  const file = `${kubeconfig}.proxied`
  await writeFile(file, JSON.stringify(config))
  const cut = (): Promise<void> =>
    new Promise((resolve) => {
      proxy.close(() => resolve())
      for (const socket of sockets) socket.destroy()
    })
  return {
    kubeconfig: file,
    cut,
    restore: () => listen(own),
    async close() {
      if (proxy.listening) await cut()
      await rm(file, { force: true })
    }
  }
}

/** A proxy to an API server that holds one answer back: what a client sees that is killed before it learns what it did. */
export interface HoldingProxy {
  kubeconfig: string
  /** Resolves when the server has acted, and its answer is held back. */
  held: Promise<void>
  /** Holds no further answer back. */
  release(): void
  close(): Promise<void>
}

export interface Asked {
  method: string
  path: string
  body: string
}

/** Passes HTTP on to the API server of a kubeconfig that logs in by a token, and gives a kubeconfig that leads through it. */
export async function holdingProxy(kubeconfig: string, holds: (asked: Asked) => boolean): Promise<HoldingProxy> {
  const config = JSON.parse(await readFile(kubeconfig, 'utf8')) as Answer
  const { cluster } = config.clusters[0]
  const to = new URL(cluster.server)
  const authority = cluster['certificate-authority-data'] as string | undefined
  const ca = authority ? Buffer.from(authority, 'base64') : await readFile(cluster['certificate-authority'] as string)
  const agent = new Agent({
    ca,
    keepAlive: true,
    ...(cluster['tls-server-name'] && { servername: cluster['tls-server-name'] })
  })
  let holding = true
  let hold = (): void => undefined
  const held = new Promise<void>((resolve) => {
    hold = resolve
  })
  const proxy = createHttpServer(async (incoming, answer) => {
    const body = await text(incoming)
    const { method = 'GET', url: path = '/', headers } = incoming
    const outgoing = secureRequest({
      host: to.hostname,
      port: to.port || 443,
      method,
      path,
      headers: { ...headers, host: to.host },
      agent
    })
    outgoing.on('error', () => answer.destroy())
    outgoing.on('response', (given) => {
      if (holding && holds({ method, path, body })) {
        given.resume()
        hold()
        return
      }
      answer.writeHead(given.statusCode ?? 502, given.headers).flushHeaders()
      given.on('error', () => answer.destroy())
      given.pipe(answer)
    })
    answer.on('close', () => outgoing.destroy())
    outgoing.end(body)
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  // Without this a client refuses to send a token over plain HTTP.
  config.clusters[0].cluster = {
    server: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    'insecure-skip-tls-verify': true
  }
  const file = `${kubeconfig}.held`
  await writeFile(file, JSON.stringify(config))
  return {
    kubeconfig: file,
    held,
    release() {
      holding = false
    },
    async close() {
      proxy.closeAllConnections()
      await new Promise((resolve) => proxy.close(resolve))
      agent.destroy()
      await rm(file, { force: true })
    }
  }
}
