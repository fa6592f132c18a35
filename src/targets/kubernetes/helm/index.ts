import type { Mask } from '../../../support/mask.ts'
import type { Connection } from '../client/connect.ts'
import { type HelmHistory, openHistory } from './history.ts'
import type { HelmName } from './owner.ts'
import { type HelmProgram, openHelmProgram } from './program.ts'

/** Helm, for the cluster of this target. */
export interface Helm {
  program: HelmProgram
  history: HelmHistory
  /** Whether its records are Secrets of the cluster. */
  secrets: boolean
  /** The command for a person; nothing in it needs quotes, because names and contexts are checked. */
  command(of: HelmName, revision: number | string, options?: { wait: boolean; seconds: number }): string
}

export function openHelm(
  env: NodeJS.ProcessEnv,
  connection: Connection,
  context: string | undefined,
  mask: Mask
): Helm {
  const program = openHelmProgram(env, connection, mask)
  return {
    program,
    history: openHistory(program, mask),
    secrets: keepsSecrets(env),
    command: ({ name, namespace }, revision, options) =>
      [
        `helm rollback ${name} ${revision} -n ${namespace}`,
        ...(context ? [`--kube-context ${context}`] : []),
        ...(options?.wait === false ? [] : ['--wait']),
        ...(options ? [`--timeout ${options.seconds}s --history-max 0`] : [])
      ].join(' ')
  }
}

/** Helm keeps its records in Secrets unless it is told otherwise (helm.sh, "Storage backends"). */
const keepsSecrets = ({ HELM_DRIVER: driver }: NodeJS.ProcessEnv): boolean =>
  !driver || driver === 'secret' || driver === 'secrets'
