import { git } from '../../project/git.ts'

/** The address of the project's git remote: that of the present branch, else origin, else the first. */
export async function remoteAddress(projectDir: string): Promise<string | null> {
  const firstLine = async (...args: string[]): Promise<string | null> =>
    (await git(projectDir, args))?.split(/\r?\n/)[0]?.trim() || null
  const branch = await firstLine('symbolic-ref', '--quiet', '--short', 'HEAD')
  const names = [
    branch && (await firstLine('config', '--get', `branch.${branch}.remote`)),
    'origin',
    await firstLine('remote')
  ]
  for (const name of names) {
    if (!name || name.startsWith('-')) continue
    const address = await firstLine('remote', 'get-url', '--', name)
    if (address) return address
  }
  return null
}
