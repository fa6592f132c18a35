import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Git, gitIn } from './git.ts'

/** Kept beside the history: an interrupted rollback is resumed from its journal. Locks are not. */
const kept = [
  ['rollbacks', '.jsonl'],
  ['incidents', '.md']
] as const

/** A branch of the project that keeps the history between the runs of a pipeline. */
export interface HistoryBranch {
  projectDir: string
  /** The folder of deploy.json. */
  popkit: string
  /** Its name, on origin. */
  name: string
  /** Of the commit that keeps the history. */
  message: string
  /** A folder of its own outside the project, from the fetch until the history is kept. */
  folder: string
}

/** What is remembered from one step of the action to the next. */
interface Fetched extends HistoryBranch {
  /** The commit that was fetched; empty when there was none. */
  tip: string
}

/**
 * Puts the history that the branch keeps into the project: into its deploy.json, whose configuration stays that of the commit, and the
 * journals beside it. The branch is read and written without a checkout, so the project's own files and branches stay as they are.
 * @throws Error with what git said, or when there is no deploy.json.
 */
export async function fetchHistory(branch: HistoryBranch): Promise<void> {
  const { popkit, folder } = branch
  await rm(folder, { recursive: true, force: true })
  await mkdir(filesOf(branch), { recursive: true })
  const git = await gitOf(branch)
  const tip = await tipOf(git, branch.name)
  if (tip) {
    await git('read-tree', tip)
    await git('checkout-index', '--all', '--force')
    await cp(join(filesOf(branch), 'popkit'), popkit, { recursive: true }).catch(unlessAbsent)
    const history = await readJson(join(filesOf(branch), 'history.json'))
    const deployFile = join(popkit, 'deploy.json')
    const deployed = { ...((await readJson(deployFile)) as object), history }
    await writeFile(deployFile, `${JSON.stringify(deployed, null, 2)}\n`)
  }
  const fetched: Fetched = { ...branch, tip }
  await writeFile(rememberedIn(folder), JSON.stringify(fetched))
}

/**
 * Commits the history in the project to its branch and pushes it, on top of what was fetched: what another run pushed since then is
 * never overwritten.
 * @param folder the folder of the branch that was fetched; without it there is nothing to keep.
 * @throws Error with what git said.
 */
export async function pushHistory(folder: string): Promise<void> {
  const remembered = await readFile(rememberedIn(folder), 'utf8').catch(unlessAbsent)
  if (remembered === undefined) return
  const { tip, ...branch } = JSON.parse(remembered) as Fetched
  await copyKept(branch)
  const git = await gitOf(branch)
  await git('add', '--all', '--force', '.')
  const tree = await git('write-tree')
  const author = ['-c', 'user.name=deploy', '-c', 'user.email=deploy@localhost']
  const commit = await git(...author, 'commit-tree', tree, ...(tip ? ['-p', tip] : []), '-m', branch.message)
  await git('push', '--quiet', 'origin', `${commit}:refs/heads/${branch.name}`)
  await rm(folder, { recursive: true, force: true })
}

async function copyKept(branch: HistoryBranch): Promise<void> {
  const { popkit } = branch
  const files = filesOf(branch)
  const { history = [] } = (await readJson(join(popkit, 'deploy.json'))) as { history?: unknown[] }
  await writeFile(join(files, 'history.json'), `${JSON.stringify(history, null, 2)}\n`)
  await rm(join(files, 'popkit'), { recursive: true, force: true })
  for (const [name, ending] of kept) {
    const names = (await readdir(join(popkit, name)).catch(unlessAbsent)) ?? []
    for (const file of names.filter((file) => file.endsWith(ending)))
      await cp(join(popkit, name, file), join(files, 'popkit', name, file))
  }
}

/** The newest commit of the branch on origin, fetched; empty when there is no such branch. */
async function tipOf(git: Git, name: string): Promise<string> {
  const [tip = ''] = (await git('ls-remote', 'origin', `refs/heads/${name}`)).split(/\s/)
  if (tip) await git('fetch', '--quiet', '--no-tags', 'origin', tip)
  return tip
}

/** git with the project's objects and logins, and with the files of the branch as its work tree. */
async function gitOf(branch: HistoryBranch): Promise<Git> {
  const files = filesOf(branch)
  const gitDir = await gitIn(branch.projectDir)('rev-parse', '--absolute-git-dir')
  const index = join(branch.folder, 'index')
  return gitIn(files, { GIT_DIR: gitDir, GIT_WORK_TREE: files, GIT_INDEX_FILE: index })
}

const filesOf = ({ folder }: HistoryBranch): string => join(folder, 'files')
const rememberedIn = (folder: string): string => join(folder, 'fetched.json')
const readJson = async (file: string): Promise<unknown> => JSON.parse(await readFile(file, 'utf8'))

function unlessAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
