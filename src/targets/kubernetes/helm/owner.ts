import type { Workload } from '../objects/workload.ts'

/** A Helm release, by its name and the namespace that keeps its records. */
export interface HelmName {
  name: string
  namespace: string
}

/** Names of releases (helm.sh/helm/v3/pkg/chartutil/validate_name.go). */
export const releaseName = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

/** The release that a workload belongs to, by the marks that Helm 3 leaves on its objects; null for none. */
export function helmOwner({ address, object }: Pick<Workload, 'address' | 'object'>): HelmName | null {
  const { labels, annotations } = object.metadata
  const name = annotations?.['meta.helm.sh/release-name']
  if (!name || name.length > 53 || !releaseName.test(name)) return null
  if (labels?.['app.kubernetes.io/managed-by'] !== 'Helm') return null
  const namespace = annotations?.['meta.helm.sh/release-namespace'] ?? address.namespace
  return releaseName.test(namespace) ? { name, namespace } : null
}

/** The one release that all workloads belong to; null where they belong to none, to several, or only some to one. */
export function commonOwner(workloads: readonly Workload[]): HelmName | null {
  const owners = workloads.map(helmOwner)
  const [first] = owners
  const same = owners.every((owner) => owner?.name === first?.name && owner?.namespace === first?.namespace)
  return first && same ? first : null
}
