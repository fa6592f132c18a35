import { readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import { Agent, request as secureRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Answer } from '../../../testkit/built-server.ts'

/** A way to an API server that keeps one answer back: what a client sees that is killed before it hears what it did. */
export interface HoldingWay {
  kubeconfig: string
  /** Resolves when the server has done what was waited for, and its answer is kept back. */
  held: Promise<void>
  /** Keeps no further answer back. */
  release(): void
  close(): Promise<void>
}

export interface Asked {
  method: string
  path: string
  body: string
}

/** Passes HTTP on to the API server of a kubeconfig that logs in by a token, and gives a kubeconfig that leads through it. */
export async function holdingWay(kubeconfig: string, holds: (asked: Asked) => boolean): Promise<HoldingWay> {
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
  const proxy = createServer(async (incoming, answer) => {
    const body = await textOf(incoming)
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

async function textOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}
