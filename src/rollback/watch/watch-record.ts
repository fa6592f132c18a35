import { mkdir, readFile, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import type { Release } from '../../model/release.ts'
import { stageFile } from '../../project/replace-file.ts'
import { camelCase, snakeCase } from '../../support/casing.ts'

const watchRecordSchema = z.object({
  target: z.string(),
  version: z.string(),
  /** The exact identity of the version that is watched. */
  id: z.string(),
  begunAt: z.string(),
  /** When it was looked at last. */
  seenAt: z.string(),
  /** For how long it was seen to serve well; what nobody watched does not count. */
  watchedMs: z.number().min(0)
})

/** How far a watch is, so that it goes on after its process ended. */
export type WatchRecord = z.infer<typeof watchRecordSchema>

const tooOldMs = 86_400_000

/** The record of an unfinished watch of this release; null where there is none, it is unreadable, or a day old. */
export async function unfinishedWatch(
  file: string,
  target: string,
  { version, id }: Release,
  now: Date
): Promise<WatchRecord | null> {
  const text = await readFile(file, 'utf8').catch(() => '')
  try {
    const record = watchRecordSchema.parse(camelCase(JSON.parse(text)))
    const same = record.target === target && record.version === version && record.id === id
    const ageMs = now.getTime() - Date.parse(record.seenAt)
    const took = Date.parse(record.seenAt) - Date.parse(record.begunAt)
    return same && ageMs >= 0 && ageMs < tooOldMs && record.watchedMs <= took + 1000 ? record : null
  } catch {
    return null
  }
}

/** Writes the record whole and at once. @throws what the file system throws. */
export async function keepWatch(file: string, record: WatchRecord): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  const staged = await stageFile(file, `${JSON.stringify(snakeCase(record))}\n`)
  try {
    await staged.commit()
  } finally {
    await staged.discard()
  }
}

/** Removes the record; one that stays is not gone on with once another version serves, or a day has passed. */
export const endWatch = (file: string): Promise<void> => rm(file, { force: true }).catch(() => undefined)
