import { randomBytes } from 'node:crypto'
import { constants, renameSync } from 'node:fs'
import { copyFile, link, open, readdir, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

/** New content beside its place, safe on the disk, not yet in it. */
interface StagedFile {
  /** Puts it into its place at once and whole, unless `mayStill`, called right before, returns false. Returns whether it did. */
  commit(mayStill?: () => boolean): Promise<boolean>
  /** Puts it into its place only if no file is there yet. Returns whether it did. */
  create(): Promise<boolean>
  /** Takes it away when it was not committed. */
  discard(): Promise<void>
}

/** Writes content to the disk beside a file, with that file's mode and owner where there is one. The path must be no link. */
export async function stageFile(path: string, content: string): Promise<StagedFile> {
  const staged = `${path}.${process.pid}-${randomBytes(6).toString('hex')}.tmp`
  const replaced = await stat(path).catch(() => null)
  const file = await open(staged, 'wx', replaced ? replaced.mode & 0o777 : 0o666)
  try {
    await file.writeFile(content)
    if (replaced) {
      await file.chown(replaced.uid, replaced.gid).catch(() => {})
      await file.chmod(replaced.mode & 0o7777)
    }
    await file.sync()
    await file.close()
  } catch (error) {
    await file.close().catch(() => {})
    await rm(staged, { force: true })
    throw error
  }
  return {
    commit: async (mayStill = () => true) => {
      if (!(await renamePatiently(staged, path, mayStill))) return false
      await syncFolder(dirname(path))
      return true
    },
    create: async () => {
      if (!(await linked(staged, path))) return false
      await syncFolder(dirname(path))
      return true
    },
    discard: () => rm(staged, { force: true })
  }
}

/** Removes staged content that killed writers left beside a file: what has not changed for a minute. */
export async function sweepStaged(path: string): Promise<void> {
  const folder = dirname(path)
  const leftOver = await readdir(folder).catch(() => [])
  for (const name of leftOver) {
    if (!name.startsWith(`${basename(path)}.`) || !/\.\d+-[0-9a-f]{12}\.tmp$/.test(name)) continue
    const { mtimeMs } = await stat(join(folder, name)).catch(() => ({ mtimeMs: Date.now() }))
    if (Date.now() - mtimeMs > 60_000) await rm(join(folder, name), { force: true })
  }
}

async function renamePatiently(from: string, to: string, mayStill: () => boolean): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    try {
      if (!mayStill()) return false
      renameSync(from, to)
      return true
    } catch (error) {
      // Windows refuses while another program has the file open
      if (process.platform !== 'win32' || attempt === 10) throw error
      await wait(50)
    }
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'EEXIST') return false
    // a file system without links
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS' && code !== 'EMLINK') throw error
  }
  return copyFile(from, to, constants.COPYFILE_EXCL).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false
      throw error
    }
  )
}

/** A new file survives a power failure only once its folder is on disk, too; not every system can do that. */
export async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r')
    await handle.sync().finally(() => handle.close())
  } catch {}
}
