import type { GitHub } from './api.ts'
import type { Asset } from './shapes.ts'

export interface Downloads {
  /** One line for each asset that cannot be downloaded. */
  gone: string[]
  /** One line for each of which it could not be told. */
  unknown: string[]
  /** How many were tried. */
  tried: number
  /** How many of them were read whole and had the recorded digest. */
  verified: number
}

const atOnce = 4
const hashUpTo = 8 * 1024 * 1024

/** Tries to download assets: the first `most` of them, small ones whole and compared with their digest when `verify` says so. */
export async function tryAssets(
  github: GitHub,
  assets: readonly Asset[],
  { verify, most }: { verify: boolean; most: number },
  signal: AbortSignal
): Promise<Downloads> {
  const result: Downloads = { gone: [], unknown: [], tried: 0, verified: 0 }
  const queue = assets.slice(0, most)
  const work = async (): Promise<void> => {
    for (let asset = queue.shift(); asset; asset = queue.shift()) {
      result.tried++
      await look(github, asset, verify, result, signal)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  result.gone.sort()
  result.unknown.sort()
  return result
}

async function look(
  github: GitHub,
  asset: Asset,
  verify: boolean,
  result: Downloads,
  signal: AbortSignal
): Promise<void> {
  if (asset.state !== 'uploaded') {
    result.gone.push(`${asset.name} was never uploaded to the end`)
    return
  }
  const digest = /^sha256:([0-9a-f]{64})$/.exec(asset.digest ?? '')?.[1]
  const whole = verify && digest !== undefined && asset.size <= hashUpTo
  const got = await github.download(asset, signal, whole ? hashUpTo : undefined)
  if (got.state === 'gone') result.gone.push(`${asset.name} cannot be downloaded: ${got.detail}`)
  else if (got.state === 'there' && got.size !== undefined && got.size !== asset.size)
    result.gone.push(`${asset.name} has ${got.size} bytes, not the recorded ${asset.size}`)
  else if (got.state === 'there' && got.sha256 !== undefined && got.sha256 !== digest)
    result.gone.push(`${asset.name} is not the file that GitHub recorded (sha256 ${got.sha256.slice(0, 12)}…)`)
  else if (got.state === 'there') result.verified += got.sha256 === undefined ? 0 : 1
  else result.unknown.push(`${asset.name}: ${got.state === 'unknown' ? got.detail : 'it leads elsewhere'}`)
}
