import { RollbackError, TargetError } from '../../../support/errors.ts'
import type { ManifestObject } from './manifest.ts'
import type { HelmName } from './owner.ts'

type Subject = Pick<ManifestObject, 'kind' | 'name' | 'namespace'> & { group?: string }

/** Deleting one of these loses data, or what serves. */
const keptKinds =
  /^(PersistentVolume|PersistentVolumeClaim|Namespace|CustomResourceDefinition|Deployment|StatefulSet|DaemonSet|Rollout)$/

/** What makes Helm's revision possible that one object prevents. */
export function clearedBy(kubectl: string, subject: Subject, revision: number | string): string {
  const { kind, name, namespace, group = '' } = subject
  if (keptKinds.test(kind))
    return `Choose another version, or deploy that version again with "helm upgrade": deleting ${kind}/${name} would lose what it holds.`
  const what = `${kind.toLowerCase()}${group.includes('.') ? `.${group}` : ''} ${name}`
  const to = `${kubectl}${namespace && ` -n ${namespace}`}`
  const again = kind === 'Job' ? ', so it runs again' : ` as revision ${revision} has it`
  return `Save it and delete it: "${to} get ${what} -o yaml > ${name}.yaml && ${to} delete ${what}". Helm then creates it${again}.`
}

/** What the API server never lets change, in its own words. */
export const neverChanges =
  /immutable|may not be changed|may not change|are forbidden|cannot change roleRef|can not be less than previous value/i

/** Helm's own error with what clears it, where one object is to blame: trying the same again would fail again. */
export function advised(error: unknown, kubectl: string, { namespace }: HelmName, revision: number): unknown {
  if (!(error instanceof RollbackError)) return error
  const { what, why, state, code } = error
  const refused = neverChanges.test(why)
    ? /cannot patch '(?<name>[^']{1,253})' with kind (?<kind>[A-Za-z]{1,63})/
    : null
  const found = (refused ?? /no (?<kind>[A-Za-z]{1,63}) with the name '(?<name>[^']{1,253})' found/).exec(why)?.groups
  if (!found?.kind || !found.name) return error
  const next = clearedBy(kubectl, { kind: found.kind, name: found.name, namespace }, revision)
  return new TargetError({ what, why, state, next, code, cause: error })
}
