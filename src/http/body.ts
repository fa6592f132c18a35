import type { Readable } from 'node:stream'
import type { Answer } from './answer.ts'

/** The body is longer than allowed. */
export class TooLarge extends Error {}

export const mebibyte = 1024 * 1024

/**
 * Reads the first `maxBytes` of a body; `cut` tells that there was more. With 0 nothing is waited for.
 * @param sink gets the body piece by piece instead; the answer then holds none of it.
 */
export async function readUpTo(
  body: Readable,
  maxBytes: number,
  signal: AbortSignal,
  sink?: (chunk: Buffer) => void
): Promise<Pick<Answer, 'body' | 'cut'>> {
  const chunks: Buffer[] = []
  let length = 0
  try {
    if (maxBytes === 0) return { body: Buffer.alloc(0), cut: true }
    for await (const chunk of body) {
      signal.throwIfAborted()
      if (sink) sink(chunk as Buffer)
      else chunks.push(chunk as Buffer)
      length += (chunk as Buffer).length
      if (length > maxBytes) return { body: Buffer.concat(chunks).subarray(0, maxBytes), cut: true }
    }
    return { body: Buffer.concat(chunks), cut: false }
  } finally {
    body.on('error', () => undefined).destroy()
  }
}

/** Reads a whole body as text. @throws TooLarge as soon as it is longer than `maxBytes`. */
export async function readCapped(source: Readable, maxBytes: number, signal: AbortSignal): Promise<string> {
  const { body, cut } = await readUpTo(source, maxBytes, signal)
  if (cut) throw new TooLarge(`the answer is longer than ${maxBytes / mebibyte} MB`)
  return body.toString('utf8')
}
