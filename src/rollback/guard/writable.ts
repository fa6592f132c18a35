import { access, constants, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ConfigError, messageOf } from '../../support/errors.ts'

/** @throws ConfigError where a folder could not be written to, or not be made; makes nothing. */
export async function checkWritable(folder: string): Promise<void> {
  try {
    await access(await nearestAbove(folder), constants.W_OK | constants.X_OK)
  } catch (error) {
    throw new ConfigError({
      what: `The journal cannot be written into ${folder}`,
      why: messageOf(error),
      next: 'Make the folder writable; without a journal and its lock no rollback is begun.',
      code: 'journal_unwritable',
      cause: error
    })
  }
}

/** The folder itself, or the one in which it would be made. */
async function nearestAbove(folder: string): Promise<string> {
  try {
    if ((await stat(folder)).isDirectory()) return folder
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && dirname(folder) !== folder)
      return nearestAbove(dirname(folder))
    throw error
  }
  throw new Error(`${folder} is no folder`)
}
