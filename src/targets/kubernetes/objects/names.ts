/** Our own annotations on objects of the cluster. */
export const marks = {
  /** On a revision object: that it was rolled back from, as JSON. */
  rolledBack: 'rollback.popkit/rolled-back-from',
  /** On a revision object, while it is rolled back from: what `kubectl apply` last applied with it. */
  lastApplied: 'rollback.popkit/last-applied',
  /** On a revision object: the state of what it is configured by when it was proven, as JSON. */
  configuration: 'rollback.popkit/configuration',
  /** On a pod template: whose images it fixes by digest, and which ones, as JSON. */
  pinned: 'rollback.popkit/pinned',
  /** On a Lease: the record of the rollback, as JSON. */
  lease: 'rollback.popkit/begun',
  /** On a Lease of several that are held together: the one that holds the whole record, "namespace/name". */
  leaseMain: 'rollback.popkit/begun-in'
} as const

/** Annotations and labels of others that belong to a pod template. */
export const known = {
  revision: 'deployment.kubernetes.io/revision',
  /** Of Argo Rollouts: utils/annotations and pkg/apis/rollouts/v1alpha1/types.go of argoproj/argo-rollouts. */
  rolloutRevision: 'rollout.argoproj.io/revision',
  rolloutHash: 'rollouts-pod-template-hash',
  changeCause: 'kubernetes.io/change-cause',
  lastApplied: 'kubectl.kubernetes.io/last-applied-configuration',
  defaultContainer: 'kubectl.kubernetes.io/default-container',
  templateHash: 'pod-template-hash',
  revisionHash: 'controller-revision-hash'
} as const

export const kinds = ['deployment', 'statefulset', 'daemonset', 'rollout'] as const
export type Kind = (typeof kinds)[number]

/** What the API calls a kind of workload. */
export const resources: Record<Kind, { group: string; version: string; plural: string; kind: string }> = {
  deployment: { group: 'apps', version: 'v1', plural: 'deployments', kind: 'Deployment' },
  statefulset: { group: 'apps', version: 'v1', plural: 'statefulsets', kind: 'StatefulSet' },
  daemonset: { group: 'apps', version: 'v1', plural: 'daemonsets', kind: 'DaemonSet' },
  rollout: { group: 'argoproj.io', version: 'v1alpha1', plural: 'rollouts', kind: 'Rollout' }
}

/** What keeps the former pod templates of a kind. */
export const revisionsOf = (kind: Kind): 'replicasets' | 'controllerrevisions' =>
  kind === 'deployment' || kind === 'rollout' ? 'replicasets' : 'controllerrevisions'

const shortKinds: Record<string, Kind> = { deploy: 'deployment', sts: 'statefulset', ds: 'daemonset', ro: 'rollout' }

/** One workload's address within a cluster. */
export interface Address {
  kind: Kind
  namespace: string
  name: string
}

/** Reads `deployment/web` or `deployment/shop/web`, as the configuration allows it. */
export function parseAddress(text: string, namespace: string): Address {
  const [word = '', ...rest] = text.split('/')
  const name = rest.at(-1) ?? ''
  const kind = shortKinds[word] ?? kinds.find((one) => one === word) ?? 'deployment'
  return { kind, namespace: (rest.length > 1 && rest[0]) || namespace, name }
}

export const addressText = ({ kind, namespace, name }: Address): string => `${kind}/${namespace}/${name}`

/** For people: without the namespace. */
export const shortText = ({ kind, name }: Address): string => `${kind}/${name}`

export const collectionOf = (kind: Kind, namespace: string): string => {
  const { group, version, plural } = resources[kind]
  return `/apis/${group}/${version}/namespaces/${namespace}/${plural}`
}

export const pathOf = ({ kind, namespace, name }: Address): string => `${collectionOf(kind, namespace)}/${name}`
