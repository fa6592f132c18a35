import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Cluster } from '../../../testkit/kubernetes/cluster.ts'

const run = promisify(execFile)

/** Runs the command that a text shows between quotes, as a person would paste it. */
export async function runShown(cluster: Cluster, text: string, path = process.env.PATH): Promise<string> {
  // A command may hold quotes of its own: its last one comes before the end of the sentence.
  const [, command] = /"((?:kubectl|helm) .+?)"(?=[.,;] |[.,;]?$)/.exec(text) ?? []
  if (!command) throw new Error(`no command in: ${text}`)
  return runPasted(cluster, command, path)
}

/** Runs a command in a shell, in an empty folder. @throws with what it printed when it fails. */
export async function runPasted({ kubeconfig }: Cluster, command: string, path = process.env.PATH): Promise<string> {
  const cwd = await mkdtemp(join(tmpdir(), 'pop-pasted-'))
  try {
    const env = { PATH: path, HOME: process.env.HOME, KUBECONFIG: kubeconfig }
    return (await run('bash', ['-euo', 'pipefail', '-c', command], { cwd, env })).stdout
  } finally {
    await rm(cwd, { recursive: true, force: true })
  }
}

/** The commands of lines that remain, each as a person would paste it, with what it is for. */
export const manualOf = (remains: readonly string[]): { why: string; command: string }[] =>
  remains.flatMap((line) => {
    const [, why, command] = /^(.*?)\.? (?:Manually|Then manually): (.+)$/.exec(line) ?? []
    return why && command ? [{ why, command }] : []
  })
