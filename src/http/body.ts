import type { Readable } from 'node:stream'

export class TooLarge extends Error {}

/** Reads a body as UTF-8 text and gives up as soon as it is longer than `maxBytes`. @throws TooLarge. */
export async function readCapped(body: Readable, maxBytes: number, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of body) {
      signal.throwIfAborted()
      length += (chunk as Buffer).length
      if (length > maxBytes) throw new TooLarge(`the answer is longer than ${maxBytes / 1024 / 1024} MB`)
      chunks.push(chunk as Buffer)
    }
  } finally {
    body.destroy()
  }
  return Buffer.concat(chunks).toString('utf8')
}
