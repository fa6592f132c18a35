import { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { z } from 'zod'
import { tryOutsideJson } from '../../../support/nesting.ts'

const mostBytes = 1024 * 1024
/** Folders, links, devices, pipes and sockets, as Go's os.FileMode has them. */
const special = 0x8f280000

const statSchema = z.object({ size: z.number().max(mostBytes), mode: z.number(), mtime: z.string() })

/** The archive of a small regular file whose time is in whole seconds, as of all that comes in by archives; null for anything else. */
export async function copiedFile(answer: Readable): Promise<Buffer | null> {
  const head = answer instanceof IncomingMessage ? answer.headers['x-docker-container-path-stat'] : undefined
  const stat = statSchema.safeParse(tryOutsideJson(Buffer.from(String(head ?? ''), 'base64').toString('utf8'))).data
  if (stat && (stat.mode & special) === 0 && !stat.mtime.includes('.')) return buffer(answer)
  answer.destroy()
  return null
}
