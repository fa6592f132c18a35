import { createHash } from 'node:crypto'
import type { RegistryResponse } from 'npm-registry-fetch'
import { explain, inShort, statusOf } from './failure.ts'
import type { Manifest } from './packument.ts'
import type { Registry } from './registry.ts'

const readAtMost = 200 * 1024 * 1024
const readWithinMs = 60_000

/** What is known of a tarball after it was asked for. */
export type TarballState =
  | { state: 'there'; detail: string; verified: boolean }
  | { state: 'gone' | 'broken' | 'unknown'; detail: string }

/** Asks whether the tarball is there, without reading it. */
export async function tarballThere(registry: Registry, manifest: Manifest, signal: AbortSignal): Promise<TarballState> {
  return await opened(registry, manifest, signal, async (response) => {
    response.body.destroy?.()
    return { state: 'there', detail: 'its tarball is there', verified: false }
  })
}

/** Reads the whole tarball and compares it with the digest that the registry recorded. */
export async function tarballVerified(
  registry: Registry,
  manifest: Manifest,
  signal: AbortSignal
): Promise<TarballState> {
  return await opened(registry, manifest, signal, async (response) => {
    const expected = strongest(manifest)
    if (!expected) {
      response.body.destroy?.()
      return { state: 'there', detail: 'its tarball is there; the registry records no digest of it', verified: false }
    }
    const hash = createHash(expected.algorithm)
    let bytes = 0
    for await (const chunk of response.body) {
      signal.throwIfAborted()
      hash.update(chunk)
      bytes += chunk.length
      if (bytes > readAtMost) {
        response.body.destroy?.()
        return { state: 'there', detail: 'its tarball is there, too large to be read whole', verified: false }
      }
    }
    const found = hash.digest('base64')
    if (found === expected.digest)
      return {
        state: 'there',
        detail: `its tarball is there and is the recorded ${expected.algorithm}`,
        verified: true
      }
    return { state: 'broken', detail: `its tarball is not what the registry recorded: ${expected.algorithm} differs` }
  })
}

async function opened(
  registry: Registry,
  manifest: Manifest,
  signal: AbortSignal,
  look: (response: RegistryResponse) => Promise<TarballState>
): Promise<TarballState> {
  const url = manifest.dist?.tarball
  if (!url || !/^https?:\/\//.test(url)) return { state: 'gone', detail: 'the registry names no tarball of it' }
  const limit = AbortSignal.timeout(readWithinMs)
  try {
    return await look(await registry.tarball(url, AbortSignal.any([signal, limit])))
  } catch (error) {
    signal.throwIfAborted()
    if (limit.aborted)
      return { state: 'unknown', detail: `its tarball did not come within ${readWithinMs / 1000} seconds` }
    const status = statusOf(error)
    if (status === 404 || status === 410)
      return { state: 'gone', detail: `its tarball is gone (the registry answered ${status})` }
    return { state: 'unknown', detail: inShort(explain(error, 'Asking for its tarball', registry.url)) }
  }
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
