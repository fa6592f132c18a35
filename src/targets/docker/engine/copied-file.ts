import { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { z } from 'zod'
import { tryOutsideJson } from '../../../support/nesting.ts'

const mostBytes = 1024 * 1024
/** Folders, links, devices, pipes and sockets, as Go's os.FileMode has them. */
const special = 0x8f280000

const statSchema = z.object({ size: z.number(), mode: z.number(), mtime: z.string() })

/** A path in a container. */
export interface PathInContainer {
  /** Bytes; null where it is no regular file. */
  size: number | null
  /** Of a small file whose time is in whole seconds, as of all that comes in by archives; null for anything else. */
  copied: Buffer | null
}

/** What the engine says of a path with its archive, of which no more is read than is needed. */
export async function pathInContainer(answer: Readable): Promise<PathInContainer> {
  const head = answer instanceof IncomingMessage ? answer.headers['x-docker-container-path-stat'] : undefined
  const stat = statSchema.safeParse(tryOutsideJson(Buffer.from(String(head ?? ''), 'base64').toString('utf8'))).data
  const size = stat && (stat.mode & special) === 0 ? stat.size : null
  if (size !== null && size <= mostBytes && !stat?.mtime.includes('.')) return { size, copied: await buffer(answer) }
  answer.destroy()
  return { size, copied: null }
}
