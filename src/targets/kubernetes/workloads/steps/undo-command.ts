import type { KubernetesContext } from '../../context.ts'
import type { Move } from '../../objects/move.ts'
import { type Address, known, revisionsOf, shortText } from '../../objects/names.ts'

/**
 * The number of a revision, for a shell: the cluster is asked when the command is run, because going back gives a revision a new
 * number.
 */
export function numberCommand(kubectl: string, { kind, namespace }: Address, revision: string): string {
  const [what, path] =
    revisionsOf(kind) === 'controllerrevisions'
      ? ['controllerrevision', '.revision']
      : [
          'replicaset',
          `.metadata.annotations.${(kind === 'rollout' ? known.rolloutRevision : known.revision).replaceAll('.', '\\.')}`
        ]
  return `$(${kubectl} -n ${namespace} get ${what} ${revision} -o jsonpath='{${path}}')`
}

/** The command with which a person goes back to a revision. */
export const undoCommand = (kubectl: string, address: Address, revision: string): string =>
  `${kubectl} -n ${address.namespace} rollout undo ${shortText(address)} --to-revision=${numberCommand(kubectl, address, revision)}`

/** The command that deletes the pods of a revision, one after the other; of an ordered StatefulSet only those that are not ready. */
export function deletePodsCommand(
  { kubectl }: Pick<KubernetesContext, 'kubectl'>,
  { kind, namespace, name }: Move,
  revision: string,
  which: 'all' | 'unready'
): string {
  const to = `${kubectl} -n ${namespace}`
  // A StatefulSet's pods have the whole name as their label, a DaemonSet's only its hash.
  const label = kind === 'statefulset' ? revision : revision.replace(`${name}-`, '')
  const unready = which === 'unready' ? 'split($2, n, "/") && n[1] < n[2] ' : ''
  return `${to} get pods -l ${known.revisionHash}=${label} --no-headers | awk '${unready}{print $1}' | xargs -r -n 1 ${to} delete pod`
}
