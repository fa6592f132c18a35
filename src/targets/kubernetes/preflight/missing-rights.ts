import { TargetError } from '../../../support/errors.ts'
import { isStatus } from '../client/failure.ts'
import type { KubernetesContext } from '../context.ts'
import { type Address, revisionsOf } from '../objects/names.ts'
import { addressesOf } from '../workloads/read.ts'
import type { Right } from './right.ts'
import { deniedOf, rightText, toChange } from './rights.ts'

/** What reading the workloads and going back need at least. */
const rightsOn = (address: Address): Right[] => [
  ...toChange(address),
  { namespace: address.namespace, group: 'apps', resource: revisionsOf(address.kind), verb: 'list' },
  ...['list', 'watch'].map((verb) => ({ namespace: address.namespace, group: '', resource: 'pods', verb }))
]

/** A refusal names one right; the error names every one that is missing, so that they are granted at once. */
export async function namingRights(cluster: KubernetesContext, error: unknown, signal: AbortSignal): Promise<unknown> {
  if (!(error instanceof TargetError) || !isStatus(error, 403)) return error
  const addresses = await addressesOf(cluster, signal).catch(() => [])
  const denied = await deniedOf(cluster, addresses.flatMap(rightsOn), signal).catch(() => [])
  const [first] = denied
  if (!first) return error
  const { what, cause } = error
  const check = `${cluster.kubectl} -n ${first.namespace} auth can-i ${first.verb} ${first.resource}`
  return new TargetError({
    what,
    why: `the API server denies to this identity to ${denied.map(rightText).join(', ')}`,
    next: `Use another identity, or have these rights granted. To check one: "${check}".`,
    code: 'forbidden',
    cause
  })
}
