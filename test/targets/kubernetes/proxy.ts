import { readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, connect as dial, isIP, type Socket } from 'node:net'
import type { Answer } from '../../../testkit/built-server.ts'

/** A way to an API server that can be cut: what a client sees of a server that is restarted. */
export interface Way {
  kubeconfig: string
  /** Ends every connection and accepts no more. */
  cut(): Promise<void>
  restore(): Promise<void>
  close(): Promise<void>
}

/** Passes TCP on to the API server of a kubeconfig, TLS and all, and gives a kubeconfig that leads through it. */
export async function cuttableWay(kubeconfig: string): Promise<Way> {
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
