import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

export interface WebhookSink {
  url: string
  bodies: { text: string; event?: string }[]
  requests: IncomingMessage[]
}

/** A real server that takes messages; `answer` says with which status, null for never. */
export async function webhookSink(answer: (count: number) => number | null = () => 200): Promise<WebhookSink> {
  const found: WebhookSink = { url: '', bodies: [], requests: [] }
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk) => {
      text += chunk
    })
    request.on('end', () => {
      found.requests.push(request)
      found.bodies.push(JSON.parse(text))
      const status = answer(found.requests.length)
      if (status !== null) response.writeHead(status, { location: found.url }).end('no_service')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  found.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/services/T000/B000/zebra-orange-42`
  return found
}
