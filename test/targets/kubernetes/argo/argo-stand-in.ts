import { createHash } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import { systemClock } from '../../../../src/support/clock.ts'
import { createMask } from '../../../../src/support/mask.ts'
import { type Api, openApi } from '../../../../src/targets/kubernetes/client/api.ts'
import { connect } from '../../../../src/targets/kubernetes/client/connect.ts'
import type { Answer } from '../../../../testkit/built-server.ts'
import type { Cluster } from '../../../../testkit/kubernetes/cluster.ts'

const anything = z.custom<Answer>(() => true)
const hashLabel = 'rollouts-pod-template-hash'
const revisionNote = 'rollout.argoproj.io/revision'
const standIn = 'pop-test-stand-in'

/** The kind as Argo Rollouts declares it (manifests/crds/rollout-crd.yaml), with its schema left open. */
const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'rollouts.argoproj.io', labels: { [standIn]: 'true' } },
  spec: {
    group: 'argoproj.io',
    scope: 'Namespaced',
    names: { kind: 'Rollout', listKind: 'RolloutList', plural: 'rollouts', singular: 'rollout', shortNames: ['ro'] },
    versions: [
      {
        name: 'v1alpha1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
      }
    ]
  }
}

export interface ArgoStandIn {
  /** Writes to the status, as the plugin of Argo Rollouts does. */
  setStatus(name: string, status: Answer): Promise<void>
  stop(): Promise<void>
}

/**
 * Stands in for the controller of Argo Rollouts, which cannot be had here: does what its documentation says, as far as a rollback
 * meets it. ReplicaSets per template, canary steps, pauses, a preview and the switch of the active Service, abort, full promotion,
 * the way back to the stable ReplicaSet.
 */
export async function startArgoStandIn(cluster: Cluster): Promise<ArgoStandIn> {
  const known = await cluster.kubectl('get', 'crd', 'rollouts.argoproj.io', '--ignore-not-found', '-o', 'name')
  if (known && !(await cluster.kubectl('get', 'crd', '-l', standIn, '-o', 'name')).includes('rollouts'))
    throw new Error('this cluster has Argo Rollouts of its own, whose controller would work against the stand-in')
  await cluster.apply(definition)
  await cluster.kubectl('wait', '--for=condition=Established', 'crd/rollouts.argoproj.io', '--timeout=60s')
  const connection = await connect({}, { KUBECONFIG: cluster.kubeconfig }, createMask())
  const api = openApi(connection, systemClock)
  const end = new AbortController()
  const running = (async () => {
    while (!end.signal.aborted) {
      await reconcileAll(api, cluster.namespace, end.signal).catch(() => undefined)
      await wait(300)
    }
  })()
  return {
    async setStatus(name, status) {
      const path = `/apis/argoproj.io/v1alpha1/namespaces/${cluster.namespace}/rollouts/${name}/status`
      const signal = AbortSignal.timeout(20_000)
      await api.send(
        { doing: 'writing', method: 'PATCH', path, body: { status }, contentType: merge, signal },
        anything
      )
    },
    async stop() {
      end.abort()
      await running
      api.close()
      await cluster.kubectl('delete', 'rollouts', '--all')
      // On our own cluster the kind stays, for another run may be at work there.
      if (process.env.POP_TEST_KUBERNETES === '1') await cluster.kubectl('delete', 'crd', 'rollouts.argoproj.io')
    }
  }
}

async function reconcileAll(api: Api, namespace: string, signal: AbortSignal): Promise<void> {
  const path = `/apis/argoproj.io/v1alpha1/namespaces/${namespace}/rollouts`
  const { items } = await api.list({ doing: 'listing', path, signal }, anything)
  // One that somebody has just written to is looked at again in the next round, and keeps no other waiting.
  await Promise.allSettled(
    items.map(async (rollout) => {
      const { workloadRef } = rollout.spec
      if (workloadRef) {
        const deployment = `/apis/apps/v1/namespaces/${namespace}/deployments/${workloadRef.name}`
        const { spec } = await api.send({ doing: 'reading', path: deployment, signal }, anything)
        Object.assign(rollout.spec, { selector: spec.selector, template: spec.template })
      }
      await reconcile(api, `${path}/${rollout.metadata.name}`, rollout, signal)
    })
  )
}

/** Stands in for ComputeHash with defaults filled in: what tells two versions apart in these tests. */
const hashOf = ({ spec }: Answer): string =>
  createHash('sha1')
    .update(JSON.stringify(spec.containers.map(({ image, env }: Answer) => [image, env ?? null])))
    .digest('hex')
    .slice(0, 9)

async function reconcile(api: Api, path: string, rollout: Answer, signal: AbortSignal): Promise<void> {
  const { metadata, spec } = rollout
  const { name, namespace, uid, generation } = metadata
  const sets = `/apis/apps/v1/namespaces/${namespace}/replicasets`
  const send = (method: 'POST' | 'PATCH', to: string, body: Answer) =>
    api.send(
      { doing: 'writing', method, path: to, body, contentType: method === 'PATCH' ? merge : json, signal },
      anything
    )
  const { items } = await api.list({ doing: 'listing', path: sets, signal }, anything)
  const own = items.filter(({ metadata: { ownerReferences } }) =>
    ownerReferences?.some((one: Answer) => one.uid === uid)
  )
  const revision = (set: Answer): number => Number(set.metadata.annotations?.[revisionNote] ?? 0)
  const hash = hashOf(spec.template)
  const of = (wanted: string): Answer | undefined =>
    own.find((set: Answer) => set.metadata.labels[hashLabel] === wanted)
  const newest = Math.max(0, ...own.filter((set: Answer) => set !== of(hash)).map(revision)) + 1
  const status: Answer = { ...rollout.status }
  const labels = { ...spec.template.metadata.labels, [hashLabel]: hash }
  if (!of(hash)) {
    await send('POST', sets, {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: {
        name: `${name}-${hash}`,
        namespace,
        labels,
        annotations: { [revisionNote]: String(newest) },
        ownerReferences: [{ apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', name, uid, controller: true }]
      },
      spec: {
        replicas: 0,
        selector: { matchLabels: { ...spec.selector.matchLabels, [hashLabel]: hash } },
        template: { ...spec.template, metadata: { ...spec.template.metadata, labels } }
      }
    })
    return
  }
  const fresh = of(hash) as Answer
  const stable = of(status.stableRS ?? '')
  if (revision(fresh) < newest)
    await send('PATCH', `${sets}/${name}-${hash}`, { metadata: { annotations: { [revisionNote]: String(newest) } } })
  const { blueGreen } = spec.strategy
  // A preview is a canary of full size without traffic.
  const preview = [{ setWeight: 100 }, ...(blueGreen?.autoPromotionEnabled === false ? [{ pause: {} }] : [])]
  const steps: Answer[] = blueGreen ? preview : (spec.strategy.canary?.steps ?? [])
  if (status.currentPodHash !== hash) {
    const back = hash === status.stableRS || !stable
    Object.assign(status, { abort: false, promoteFull: false, pauseConditions: null, currentPodHash: hash })
    status.currentStepIndex = back ? steps.length : 0
  }

  const all: number = spec.replicas
  const available = (set: Answer | undefined): number => set?.status?.availableReplicas ?? 0
  const done = status.promoteFull || status.currentStepIndex >= steps.length
  const weight = steps.slice(0, status.currentStepIndex + 1).findLast((step) => step.setWeight !== undefined)
  const share = Math.ceil((all * (weight?.setWeight ?? 0)) / 100)
  const wanted = !stable || stable === fresh || done ? all : status.abort ? 0 : share
  if (!status.abort && stable && stable !== fresh && !done && !spec.paused) {
    const step = steps[status.currentStepIndex] ?? {}
    if (step.setWeight !== undefined && available(fresh) >= share) status.currentStepIndex += 1
    if (step.pause) status.pauseConditions = [{ reason: 'CanaryPauseStep', startTime: metadata.creationTimestamp }]
  }
  if (done && !status.abort && available(fresh) >= all)
    Object.assign(status, { stableRS: hash, promoteFull: false, pauseConditions: null })

  for (const set of own) {
    const former = set === stable && stable !== fresh
    const given = status.abort || blueGreen ? 0 : Math.min(wanted, available(fresh))
    const count = set === fresh ? wanted : former ? all - given : 0
    if (set.spec.replicas !== count && !spec.paused)
      await send('PATCH', `${sets}/${set.metadata.name}`, { spec: { replicas: count } })
  }
  if (blueGreen && status.stableRS && status.blueGreen?.activeSelector !== status.stableRS) {
    const service = `/api/v1/namespaces/${namespace}/services/${blueGreen.activeService}`
    await send('PATCH', service, { spec: { selector: { [hashLabel]: status.stableRS } } })
    status.blueGreen = { activeSelector: status.stableRS }
  }
  const active = blueGreen ? of(status.blueGreen?.activeSelector ?? '') : undefined
  const sum = (field: string): number =>
    own.reduce((total: number, set: Answer) => total + (set.status?.[field] ?? 0), 0)
  const complete = status.stableRS === hash && available(fresh) >= all && sum('replicas') === all
  const paused = spec.paused || status.pauseConditions?.length > 0
  await send('PATCH', `${path}/status`, {
    metadata: { resourceVersion: metadata.resourceVersion },
    status: {
      ...status,
      observedGeneration: String(generation),
      replicas: sum('replicas'),
      updatedReplicas: fresh.status?.replicas ?? 0,
      readyReplicas: sum('readyReplicas'),
      availableReplicas: blueGreen ? available(active) : sum('availableReplicas'),
      phase: status.abort ? 'Degraded' : paused ? 'Paused' : complete ? 'Healthy' : 'Progressing',
      message: status.abort ? `RolloutAborted: Rollout aborted update to revision ${revision(fresh)}` : null
    }
  })
}

const merge = 'application/merge-patch+json'
const json = 'application/json'
