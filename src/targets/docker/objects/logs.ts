import type { Evidence } from '../../../model/diagnosis.ts'
import { messageOf } from '../../../support/errors.ts'
import { quoteTail } from '../../../support/quote.ts'
import type { DockerContext } from '../context.ts'
import type { Container } from './schemas.ts'

const mostCharacters = 8000
const tail = 101

/** The last lines of a container's log as evidence; says so when they cannot be read. */
export async function logEvidence(
  { engine, mask }: Pick<DockerContext, 'engine' | 'mask'>,
  container: Container,
  signal: AbortSignal
): Promise<Evidence> {
  const title = `Last lines of ${container.Name}`
  const source = `docker logs ${container.Name}`
  try {
    const bytes = await engine.containers.logs(container.Id, tail, signal)
    const text = logLines(bytes, { hasFrames: !container.Config.Tty, tail })
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

/** `2026-03-18T14:30:00.123456789Z ` before each message, which is no longer than 16 KiB (moby, daemon/logger/copier.go). */
const timeLength = 31
const longestMessage = 16 * 1024
const endOfLine = 10

/**
 * The lines of a log, each put together from the messages that the engine's log drivers made of it: of a long line, only the last one
 * ends it. Of a log whose beginning was left out, the first line may be the end of one, and is left out.
 * @param hasFrames whether messages have the 8-byte head by which the engine separates stdout from stderr; a terminal's have none.
 * @param tail how many messages were asked for.
 */
export function logLines(bytes: Buffer, { hasFrames, tail }: { hasFrames: boolean; tail: number }): string {
  const messages = hasFrames ? framesIn(bytes) : piecesIn(bytes)
  const lines: Buffer[][] = []
  const open = new Map<number, Buffer[]>()
  for (const { stream, content } of messages) {
    const begun = open.get(stream)
    const line = begun ?? []
    line.push(begun ? content.subarray(timeLength) : content)
    if (!begun) lines.push(line)
    if (content.at(-1) === endOfLine) open.delete(stream)
    else open.set(stream, line)
  }
  return Buffer.concat((messages.length < tail ? lines : lines.slice(1)).flat()).toString('utf8')
}

interface Message {
  stream: number
  content: Buffer
}

function framesIn(bytes: Buffer): Message[] {
  const frames: Message[] = []
  for (let at = 0; at + 8 <= bytes.length; ) {
    const end = at + 8 + bytes.readUInt32BE(at + 4)
    frames.push({ stream: bytes.readUInt8(at), content: bytes.subarray(at + 8, end) })
    at = end
  }
  return frames
}

function piecesIn(bytes: Buffer): Message[] {
  const pieces: Message[] = []
  for (let at = 0; at < bytes.length; ) {
    const lineEnd = bytes.indexOf(endOfLine, at) + 1 || bytes.length
    const end = Math.min(lineEnd, at + timeLength + longestMessage)
    pieces.push({ stream: 0, content: bytes.subarray(at, end) })
    at = end
  }
  return pieces
}
