import type { Evidence } from '../../../model/diagnosis.ts'
import { messageOf } from '../../../support/errors.ts'
import { quoteTail } from '../../../support/quote.ts'
import type { DockerContext } from '../context.ts'
import type { Container } from './schemas.ts'

const mostCharacters = 8000

/** The last lines of a container's log as evidence; says so when they cannot be read. */
export async function logEvidence(
  { engine, mask }: Pick<DockerContext, 'engine' | 'mask'>,
  container: Container,
  signal: AbortSignal
): Promise<Evidence> {
  const title = `Last lines of ${container.Name}`
  const source = `docker logs ${container.Name}`
  try {
    const bytes = await engine.containers.logs(container.Id, 100, signal)
    const text = container.Config.Tty ? bytes.toString('utf8') : withoutFrames(bytes)
    return { title, source, text: quoteTail(mask, text.trim(), mostCharacters) || '(empty)' }
  } catch (error) {
    return { title, source, text: `(cannot be read: ${messageOf(error)})` }
  }
}

/** Keeps a container's log for the report, once. */
export async function keepLogs(
  docker: DockerContext,
  container: Container,
  run: { signal: AbortSignal; evidence(item: Evidence): void }
): Promise<void> {
  if (docker.logged.has(container.Id)) return
  docker.logged.add(container.Id)
  run.evidence(await logEvidence(docker, container, run.signal))
}

/** Takes off the 8-byte head of each frame by which the engine separates stdout from stderr. */
export function withoutFrames(bytes: Buffer): string {
  const parts: Buffer[] = []
  for (let at = 0; at + 8 <= bytes.length; ) {
    const size = bytes.readUInt32BE(at + 4)
    parts.push(bytes.subarray(at + 8, at + 8 + size))
    at += 8 + size
  }
  return Buffer.concat(parts).toString('utf8')
}
