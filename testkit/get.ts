import { request } from 'node:http'

/** The body of an answer with 200, over a connection of its own; null for anything else within the limit. */
export function get(port: number, limitMs = 20_000): Promise<string | null> {
  return new Promise((resolve) => {
    const call = request({ host: '127.0.0.1', port, path: '/', agent: false, timeout: limitMs }, (response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString()
      })
      response.on('end', () => resolve(response.statusCode === 200 ? body.trim() : null))
      response.on('error', () => resolve(null))
    })
    call.on('timeout', () => call.destroy())
    call.on('error', () => resolve(null))
    call.end()
  })
}
