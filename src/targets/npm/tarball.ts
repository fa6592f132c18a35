import { createHash } from 'node:crypto'
import { explain, inShort, statusOf } from './failure.ts'
import type { Manifest } from './packument.ts'
import type { Registry } from './registry.ts'

const maxBytes = 200 * 1024 * 1024
const limitMs = 60_000

/** What is known of a tarball after it was asked for. */
export type TarballState =
  | { state: 'there'; detail: string; verified: boolean }
  | { state: 'gone' | 'broken' | 'unknown'; detail: string }

/** Asks whether the tarball is there, without reading it. */
export const tarballThere = (registry: Registry, manifest: Manifest, signal: AbortSignal): Promise<TarballState> =>
  downloaded(registry, manifest, signal, null, 'its tarball is there')

/** Reads the whole tarball and compares it with the digest that the registry recorded. */
export const tarballVerified = (registry: Registry, manifest: Manifest, signal: AbortSignal): Promise<TarballState> =>
  downloaded(
    registry,
    manifest,
    signal,
    strongest(manifest),
    'its tarball is there; the registry records no digest of it'
  )

async function downloaded(
  registry: Registry,
  manifest: Manifest,
  signal: AbortSignal,
  expected: { algorithm: string; digest: string } | null,
  unverified: string
): Promise<TarballState> {
  const url = manifest.dist?.tarball
  if (!url || !/^https?:\/\//.test(url)) return { state: 'gone', detail: 'the registry names no tarball of it' }
  const hash = createHash(expected?.algorithm ?? 'sha1')
  const there = (detail: string, verified = false): TarballState => ({ state: 'there', detail, verified })
  try {
    const sink = (chunk: Buffer): void => void hash.update(chunk)
    const { cut } = await registry.tarball(url, { signal, sink, maxBytes: expected ? maxBytes : 0, limitMs })
    if (!expected) return there(unverified)
    if (cut) return there('its tarball is there, too large to be read whole')
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof Error && error.name === 'TimeoutError')
      return { state: 'unknown', detail: `its tarball did not arrive within ${limitMs / 1000} seconds` }
    const status = statusOf(error)
    if (status === 404 || status === 410)
      return { state: 'gone', detail: `its tarball is gone (the registry answered ${status})` }
    return { state: 'unknown', detail: inShort(explain(error, 'Asking for its tarball', registry.url)) }
  }
  return hash.digest('base64') === expected.digest
    ? there(`its tarball is there and is the recorded ${expected.algorithm}`, true)
    : { state: 'broken', detail: `its tarball is not what the registry recorded: ${expected.algorithm} differs` }
}

/** Subresource integrity (W3C) may list several digests; the strongest counts. The old shasum is hexadecimal SHA-1. */
function strongest(manifest: Manifest): { algorithm: string; digest: string } | null {
  const parts = (manifest.dist?.integrity ?? '').split(/\s+/)
  for (const algorithm of ['sha512', 'sha384', 'sha256', 'sha1']) {
    const part = parts.find((one) => one.startsWith(`${algorithm}-`))
    if (part) return { algorithm, digest: part.slice(algorithm.length + 1).split('?')[0] ?? '' }
  }
  const { shasum } = manifest.dist ?? {}
  return shasum ? { algorithm: 'sha1', digest: Buffer.from(shasum, 'hex').toString('base64') } : null
}
