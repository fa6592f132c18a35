import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { JsonObject } from '../src/model/json.ts'

const run = promisify(execFile)

export interface TestProject {
  dir: string
  deployFile: string
  /** Writes deploy.json. */
  deploy(content: JsonObject): Promise<void>
  /** Reads deploy.json back. */
  deployed(): Promise<JsonObject>
  /** Makes the folder a git repository and commits everything; gives the commit. */
  commit(message?: string): Promise<string>
  /** Every file of the project, by path. */
  files(): Promise<Record<string, string>>
  remove(): Promise<void>
}

/** A project folder of its own in the temporary folder. */
export async function testProject(content?: JsonObject): Promise<TestProject> {
  const dir = await mkdtemp(join(tmpdir(), 'pop-project-'))
  const deployFile = join(dir, '.claude/popkit/deploy.json')
  const project: TestProject = {
    dir,
    deployFile,
    async deploy(value) {
      await mkdir(join(dir, '.claude/popkit'), { recursive: true })
      await writeFile(deployFile, JSON.stringify(value, null, 2))
    },
    deployed: async () => JSON.parse(await readFile(deployFile, 'utf8')) as JsonObject,
    async commit(message = 'Change') {
      await commitAll(dir, message)
      return (await gitIn(dir)('rev-parse', 'HEAD')).stdout.trim()
    },
    files: () => filesBelow(dir),
    remove: () => rm(dir, { recursive: true, force: true })
  }
  if (content) await project.deploy(content)
  return project
}

/** Makes a folder a git repository and commits everything in it. */
export async function commitAll(dir: string, message = 'Change'): Promise<void> {
  const git = gitIn(dir)
  await git('init', '-q')
  await git('add', '-A')
  await git('commit', '-q', '--allow-empty', '-m', message)
}

const gitIn =
  (dir: string) =>
  (...args: string[]) =>
    run('git', ['-C', dir, '-c', 'user.name=Test', '-c', 'user.email=test@example.org', ...args])

/** Every file below a folder, by path. */
export async function filesBelow(dir: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile()) found[path] = await readFile(path, 'utf8')
  }
  return found
}
