import type { Readable } from 'node:stream'
import { RollbackError } from '../../../support/errors.ts'
import { notUnderstood, unreachable } from './engine.ts'

const mostCharacters = 1024 * 1024

/** The lines of a stream of the engine's as they come. @throws TargetError `engine_unreachable` when the engine goes away. */
export async function* linesOf(stream: Readable, address: string): AsyncGenerator<string> {
  let rest = ''
  try {
    for await (const chunk of stream.setEncoding('utf8')) {
      const lines = (rest + String(chunk)).split('\n')
      rest = lines.pop() ?? ''
      yield* lines
      if (rest.length > mostCharacters) throw notUnderstood('read its messages', 'one of them has no end', address)
    }
  } catch (error) {
    throw error instanceof RollbackError ? error : unreachable(error, address)
  }
  if (rest) yield rest
}
