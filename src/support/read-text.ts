import { readFileSync, statSync } from 'node:fs'
import { lstat, readFile, stat } from 'node:fs/promises'

const usualLimit = 16 * 1024 * 1024

/**
 * Reads a text file that anybody may have put into the project: a device or a pipe in its place would never end.
 * @throws Error when it is no regular file or longer than `maxBytes`; what the file system throws.
 */
export async function readText(path: string, maxBytes = usualLimit): Promise<string> {
  mustBeReadable(await stat(path), maxBytes)
  return readFile(path, 'utf8')
}

/** The same for a file that only this program writes: a link in its place is none of ours, wherever it leads. */
export async function readOwnText(path: string, maxBytes = usualLimit): Promise<string> {
  mustBeReadable(await lstat(path), maxBytes)
  return readFile(path, 'utf8')
}

/** What readText does, at once. */
export function readTextSync(path: string, maxBytes = usualLimit): string {
  mustBeReadable(statSync(path), maxBytes)
  return readFileSync(path, 'utf8')
}

function mustBeReadable(file: { isFile(): boolean; size: number }, maxBytes: number): void {
  if (!file.isFile()) throw new Error('it is no regular file')
  if (file.size > maxBytes) throw new Error(`it has ${file.size} bytes, more than ${maxBytes}`)
}
