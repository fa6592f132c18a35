import { type Effort, type Tried, tryFiles } from '../../http/try-files.ts'
import type { GitHub } from './api.ts'
import type { Asset } from './shapes.ts'

/** Tries to download assets; those whose upload never finished are gone without a try. */
export async function tryAssets(
  github: GitHub,
  assets: readonly Asset[],
  effort: Effort,
  signal: AbortSignal
): Promise<Tried> {
  const uploaded = assets.filter(({ state }) => state === 'uploaded')
  const offered = uploaded.map((asset) => ({ ...asset, sha256: sha256Of(asset) }))
  const tried = await tryFiles(offered, (asset, hashUpTo) => github.download(asset, signal, hashUpTo), effort)
  const never = assets.filter((asset) => !uploaded.includes(asset))
  return {
    ...tried,
    tried: tried.tried + never.length,
    gone: [...never.map(({ name }) => `the upload of ${name} never finished`), ...tried.gone]
  }
}

const sha256Of = ({ digest }: Asset): string | null => /^sha256:([0-9a-f]{64})$/.exec(digest ?? '')?.[1] ?? null
