import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { engineOfTests, type World } from './world.ts'

/** A real Compose project in a folder of its own, named like its world. */
export interface ComposeProject {
  dir: string
  /** Calls Compose as a user does, in the folder; gives what it printed, both streams. */
  compose(...args: string[]): Promise<string>
  write(name: string, text: string): Promise<void>
  /** An environment in which the Compose program is found. */
  env: Record<string, string>
  remove(): Promise<void>
}

export const tagVariable = '$'.concat('{TAG}')

export async function composeProject(
  world: World,
  program: string,
  file: string,
  env = 'TAG=1.2.0\n'
): Promise<ComposeProject> {
  const dir = await mkdtemp(join(tmpdir(), `${world.prefix}-`))
  const write = (name: string, text: string) => writeFile(join(dir, name), text)
  await write('compose.yaml', `name: ${world.prefix}\n${file}`)
  await write('.env', env)
  const compose = async (...args: string[]): Promise<string> => {
    const { stdout, stderr } = await promisify(execFile)(program, args, { cwd: dir })
    return stdout + stderr
  }
  return {
    dir,
    compose,
    write,
    env: { ...engineOfTests(), PATH: `${dirname(program)}:${process.env.PATH}` },
    async remove() {
      await compose('down', '-v', '-t', '1', '--remove-orphans').catch(() => undefined)
      await rm(dir, { recursive: true, force: true })
    }
  }
}
