import { type Address, known, revisionsOf, shortText } from '../../objects/names.ts'

/**
 * The command that goes back to one revision. It asks for the number when it is run: going back gives a revision a new one, also
 * when the rollback that did so was undone.
 */
export function undoCommand(kubectl: string, address: Address, revision: string): string {
  const { namespace, kind } = address
  const to = `${kubectl} -n ${namespace}`
  const isCounted = revisionsOf(kind) === 'replicasets'
  const number = isCounted ? `.metadata.annotations.${known.revision.replaceAll('.', '\\.')}` : '.revision'
  const asked = `${to} get ${isCounted ? 'replicaset' : 'controllerrevision'} ${revision} -o jsonpath='{${number}}'`
  return `${to} rollout undo ${shortText(address)} --to-revision="$(${asked})"`
}
