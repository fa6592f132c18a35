import { z } from 'zod'

const labels = z.record(z.string(), z.string()).nullish()

export const metadataSchema = z.looseObject({
  name: z.string(),
  namespace: z.string().optional(),
  uid: z.string().default(''),
  resourceVersion: z.string().optional(),
  generation: z.number().optional(),
  creationTimestamp: z.string().nullish(),
  deletionTimestamp: z.string().nullish(),
  labels,
  annotations: labels,
  ownerReferences: z
    .array(z.looseObject({ uid: z.string(), kind: z.string(), name: z.string(), controller: z.boolean().nullish() }))
    .nullish(),
  managedFields: z.array(z.looseObject({ manager: z.string().optional(), time: z.string().nullish() })).nullish()
})
export type Metadata = z.infer<typeof metadataSchema>

/** An object of which only the metadata is read; more is never read of a Secret. */
export const metaOnlySchema = z.looseObject({ metadata: metadataSchema })
export type MetaOnly = z.infer<typeof metaOnlySchema>

/** The Accept headers that make the server send metadata alone: of a list, of one object. */
export const metadataList = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'
export const metadataAlone = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'

const containerSchema = z.looseObject({
  name: z.string(),
  image: z.string().default(''),
  imagePullPolicy: z.string().nullish(),
  env: z
    .array(z.looseObject({ name: z.string(), value: z.string().nullish(), valueFrom: z.json().nullish() }))
    .nullish(),
  envFrom: z
    .array(
      z.looseObject({
        configMapRef: z.looseObject({ name: z.string().optional(), optional: z.boolean().nullish() }).nullish(),
        secretRef: z.looseObject({ name: z.string().optional(), optional: z.boolean().nullish() }).nullish()
      })
    )
    .nullish()
})
export type Container = z.infer<typeof containerSchema>

export const templateSchema = z.looseObject({
  metadata: z.looseObject({ labels, annotations: labels }).nullish(),
  spec: z.looseObject({
    containers: z.array(containerSchema),
    initContainers: z.array(containerSchema).nullish(),
    serviceAccountName: z.string().nullish(),
    imagePullSecrets: z.array(z.looseObject({ name: z.string().optional() })).nullish(),
    volumes: z.array(z.record(z.string(), z.json())).nullish()
  })
})
export type Template = z.infer<typeof templateSchema>

const conditionSchema = z.looseObject({
  type: z.string(),
  status: z.string(),
  reason: z.string().nullish(),
  message: z.string().nullish(),
  lastTransitionTime: z.string().nullish(),
  lastUpdateTime: z.string().nullish()
})

export const selectorSchema = z.looseObject({
  matchLabels: labels,
  matchExpressions: z
    .array(z.looseObject({ key: z.string(), operator: z.string(), values: z.array(z.string()).nullish() }))
    .nullish()
})
export type Selector = z.infer<typeof selectorSchema>

const count = z.number().nullish()

/** Argo Rollouts writes it as text (RolloutStatus of pkg/apis/rollouts/v1alpha1/types.go). */
const generation = z.union([z.number(), z.string().transform((text) => (/^\d+$/.test(text) ? Number(text) : null))])

const rolloutMetadata = z.unknown().optional()

/** A Deployment, StatefulSet, DaemonSet or Rollout: the union of what is read of them. */
export const workloadSchema = z.looseObject({
  metadata: metadataSchema,
  spec: z.looseObject({
    replicas: count,
    paused: z.boolean().nullish(),
    // A Rollout that takes its pods from another workload has neither.
    selector: selectorSchema.default({}),
    template: templateSchema.default({ spec: { containers: [] } }),
    workloadRef: z.looseObject({ kind: z.string().optional(), name: z.string().optional() }).nullish(),
    minReadySeconds: count,
    progressDeadlineSeconds: count,
    podManagementPolicy: z.string().nullish(),
    strategy: z
      .looseObject({
        type: z.string().nullish(),
        canary: z
          .looseObject({
            steps: z.array(z.unknown()).nullish(),
            analysis: z.unknown().optional(),
            trafficRouting: z.unknown().optional(),
            canaryMetadata: rolloutMetadata,
            stableMetadata: rolloutMetadata,
            antiAffinity: rolloutMetadata
          })
          .nullish(),
        blueGreen: z
          .looseObject({
            previewMetadata: rolloutMetadata,
            activeMetadata: rolloutMetadata,
            antiAffinity: rolloutMetadata
          })
          .nullish()
      })
      .nullish(),
    updateStrategy: z
      .looseObject({
        type: z.string().nullish(),
        rollingUpdate: z.looseObject({ partition: z.number().nullish() }).nullish()
      })
      .nullish()
  }),
  status: z
    .looseObject({
      observedGeneration: generation.nullish(),
      replicas: count,
      updatedReplicas: count,
      readyReplicas: count,
      availableReplicas: count,
      currentRevision: z.string().nullish(),
      updateRevision: z.string().nullish(),
      desiredNumberScheduled: count,
      currentNumberScheduled: count,
      updatedNumberScheduled: count,
      numberAvailable: count,
      conditions: z.array(conditionSchema).nullish(),
      abort: z.boolean().nullish(),
      stableRS: z.string().nullish(),
      currentPodHash: z.string().nullish(),
      phase: z.string().nullish(),
      message: z.string().nullish()
    })
    .default({})
})
export type WorkloadObject = z.infer<typeof workloadSchema>

export const replicaSetSchema = z.looseObject({
  metadata: metadataSchema,
  spec: z.looseObject({ replicas: count, template: templateSchema }),
  status: z.looseObject({ replicas: count, availableReplicas: count }).default({})
})
export type ReplicaSet = z.infer<typeof replicaSetSchema>

export const controllerRevisionSchema = z.looseObject({
  metadata: metadataSchema,
  revision: z.number(),
  data: z.looseObject({ spec: z.looseObject({ template: templateSchema }) })
})

const stateSchema = z
  .looseObject({
    waiting: z.looseObject({ reason: z.string().nullish(), message: z.string().nullish() }).nullish(),
    running: z.looseObject({ startedAt: z.string().nullish() }).nullish(),
    terminated: z
      .looseObject({
        exitCode: z.number().default(0),
        reason: z.string().nullish(),
        message: z.string().nullish(),
        finishedAt: z.string().nullish()
      })
      .nullish()
  })
  .nullish()

const containerStatusSchema = z.looseObject({
  name: z.string(),
  image: z.string().nullish(),
  ready: z.boolean().default(false),
  restartCount: z.number().default(0),
  state: stateSchema,
  lastState: stateSchema
})
export type ContainerStatus = z.infer<typeof containerStatusSchema>

export const podSchema = z.looseObject({
  metadata: metadataSchema,
  spec: z.looseObject({ nodeName: z.string().nullish() }).default({}),
  status: z
    .looseObject({
      phase: z.string().default('Unknown'),
      reason: z.string().nullish(),
      message: z.string().nullish(),
      conditions: z.array(conditionSchema).nullish(),
      containerStatuses: z.array(containerStatusSchema).nullish(),
      initContainerStatuses: z.array(containerStatusSchema).nullish()
    })
    .default({ phase: 'Unknown' })
})
export type Pod = z.infer<typeof podSchema>

export const eventSchema = z.looseObject({
  metadata: metadataSchema,
  type: z.string().nullish(),
  reason: z.string().nullish(),
  message: z.string().nullish(),
  count: count,
  eventTime: z.string().nullish(),
  firstTimestamp: z.string().nullish(),
  lastTimestamp: z.string().nullish(),
  involvedObject: z.looseObject({ kind: z.string().nullish(), name: z.string().nullish(), uid: z.string().nullish() })
})
export type ClusterEvent = z.infer<typeof eventSchema>
