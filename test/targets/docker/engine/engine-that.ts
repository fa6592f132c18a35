import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'
import { createEngine } from '../../../../src/targets/docker/engine/client.ts'
import { connect } from '../../../../src/targets/docker/engine/connect.ts'
import type { Engine } from '../../../../src/targets/docker/engine/engine.ts'

export type Answer = (request: IncomingMessage, response: ServerResponse) => unknown

interface Seen {
  method: string
  url: string
  headers: IncomingMessage['headers']
  body: string
}

/** An engine over HTTP that answers as told, until the test ends, and what it was asked. */
export async function engineThat(
  answer: Answer,
  apiVersion = '1.45'
): Promise<{ engine: Engine; seen: Seen[]; server: Server }> {
  const seen: Seen[] = []
  const server = createServer(async (request, response) => {
    const { method = '', url = '', headers } = request
    seen.push({ method, url, headers, body: await text(request) })
    if (url.endsWith('/version')) response.end(JSON.stringify({ ApiVersion: apiVersion }))
    else await answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const engine = createEngine(await connect({ host: `tcp://127.0.0.1:${port}` }, {}))
  onTestFinished(() => {
    engine.close()
    server.closeAllConnections()
    server.close()
  })
  return { engine, seen, server }
}
