import type { Downloaded } from './download.ts'

/** A file that a platform says it has. */
export interface Offered {
  name: string
  size: number | null
  sha256: string | null
}

export interface Tried {
  /** One line for each file that cannot be downloaded, or is not the recorded one. */
  gone: string[]
  /** One line for each of which it could not be told. */
  unknown: string[]
  tried: number
  /** How many were read whole and had the recorded digest. */
  verified: number
}

export interface Effort {
  /** Reads small files whole and compares their digest. */
  verify: boolean
  /** Only so many are tried. */
  most: number
}

const atOnce = 4
const hashUpTo = 8 * 1024 * 1024

/** Tries to download files, some at once. */
export async function tryFiles<File extends Offered>(
  files: readonly File[],
  download: (file: File, hashUpTo?: number) => Promise<Downloaded>,
  { verify, most }: Effort
): Promise<Tried> {
  const result: Tried = { gone: [], unknown: [], tried: 0, verified: 0 }
  const queue = files.slice(0, most)
  const work = async (): Promise<void> => {
    for (let file = queue.shift(); file; file = queue.shift()) {
      const whole = verify && file.sha256 !== null && (file.size ?? 0) <= hashUpTo
      const got = await download(file, whole ? hashUpTo : undefined)
      judge(file, got, result)
      // whoever asks for fewer requests is not asked for the rest
      if (got.state === 'unknown' && got.limited)
        result.unknown.push(...queue.splice(0).map(({ name }) => `${name}: not tried, for ${got.detail}`))
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  result.gone.sort()
  result.unknown.sort()
  return result
}

function judge({ name, size, sha256 }: Offered, got: Downloaded, result: Tried): void {
  result.tried++
  if (got.state === 'gone') result.gone.push(`${name} cannot be downloaded: ${got.detail}`)
  else if (got.state !== 'there')
    result.unknown.push(`${name}: ${got.state === 'unknown' ? got.detail : 'it leads elsewhere'}`)
  else if (size !== null && got.size !== undefined && got.size !== size)
    result.gone.push(`${name} has ${got.size} bytes, not the recorded ${size}`)
  else if (got.sha256 !== undefined && got.sha256 !== sha256)
    result.gone.push(`${name} is not the recorded file (its sha256 is ${got.sha256.slice(0, 12)}…)`)
  else if (got.sha256 !== undefined) result.verified++
}
