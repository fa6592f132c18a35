import { z } from 'zod'

const text = z.string().nullish()
const count = z.number().nullish()
const labels = z.record(z.string(), z.string()).nullish()

/** A part that may be missing. */
export const part = <Shape extends z.ZodRawShape>(shape: Shape) => z.looseObject(shape).nullish()

/** One term of a selector. */
export const termSchema = z.looseObject({
  key: z.string(),
  operator: z.string(),
  values: z.array(z.string()).nullish()
})

export const metadataSchema = z.looseObject({
  name: z.string(),
  namespace: z.string().optional(),
  uid: z.string().default(''),
  resourceVersion: z.string().optional(),
  generation: z.number().optional(),
  creationTimestamp: text,
  deletionTimestamp: text,
  labels,
  annotations: labels,
  ownerReferences: z
    .array(z.looseObject({ uid: z.string(), kind: z.string(), name: z.string(), controller: z.boolean().nullish() }))
    .nullish(),
  finalizers: z.array(z.string()).nullish(),
  managedFields: z
    .array(z.looseObject({ manager: z.string().optional(), time: text, fieldsV1: z.unknown().optional() }))
    .nullish()
})
export type Metadata = z.infer<typeof metadataSchema>

/** An object of which only the metadata is read; more is never read of a Secret. */
export const metaOnlySchema = z.looseObject({ metadata: metadataSchema })
export type MetaOnly = z.infer<typeof metaOnlySchema>

/** Whether an object belongs to another, by that one's `uid`. */
export const isOwn = ({ metadata }: MetaOnly, { uid }: { uid: string }): boolean =>
  metadata.ownerReferences?.some((owner) => owner.uid === uid) === true

/** The Accept headers that make the server send metadata alone: of a list, of one object. */
export const metadataList = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'
export const metadataAlone = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'

const containerSchema = z.looseObject({
  name: z.string(),
  image: z.string().default(''),
  imagePullPolicy: text,
  env: z.array(z.looseObject({ name: z.string(), value: text, valueFrom: z.json().nullish() })).nullish(),
  envFrom: z
    .array(
      z.looseObject({
        configMapRef: part({ name: z.string().optional(), optional: z.boolean().nullish() }),
        secretRef: part({ name: z.string().optional(), optional: z.boolean().nullish() })
      })
    )
    .nullish()
})
export type Container = z.infer<typeof containerSchema>

export const templateSchema = z.looseObject({
  metadata: part({ labels, annotations: labels }),
  spec: z.looseObject({
    containers: z.array(containerSchema),
    initContainers: z.array(containerSchema).nullish(),
    serviceAccountName: text,
    imagePullSecrets: z.array(z.looseObject({ name: z.string().optional() })).nullish(),
    volumes: z.array(z.record(z.string(), z.json())).nullish()
  })
})
export type Template = z.infer<typeof templateSchema>

const conditionSchema = z.looseObject({ type: z.string(), status: z.string(), reason: text, message: text })

export const selectorSchema = z.looseObject({
  matchLabels: labels,
  matchExpressions: z.array(termSchema).nullish()
})
export type Selector = z.infer<typeof selectorSchema>

/** Argo Rollouts writes it as text (RolloutStatus of pkg/apis/rollouts/v1alpha1/types.go). */
const generation = z.union([z.number(), z.string().transform((text) => (/^\d+$/.test(text) ? Number(text) : null))])

const extra = z.unknown().optional()

/** A Deployment, StatefulSet, DaemonSet or Rollout: the union of what is read of them. */
export const workloadSchema = z.looseObject({
  metadata: metadataSchema,
  spec: z.looseObject({
    replicas: count,
    paused: z.boolean().nullish(),
    // A Rollout that takes its pods from another workload has neither.
    selector: selectorSchema.default({}),
    template: templateSchema.default({ spec: { containers: [] } }),
    workloadRef: part({ kind: z.string().optional(), name: z.string().optional() }),
    progressDeadlineSeconds: count,
    minReadySeconds: count,
    revisionHistoryLimit: count,
    podManagementPolicy: text,
    strategy: part({
      type: text,
      canary: part({ trafficRouting: extra, canaryMetadata: extra, stableMetadata: extra, antiAffinity: extra }),
      blueGreen: part({ previewMetadata: extra, activeMetadata: extra, antiAffinity: extra })
    }),
    updateStrategy: part({ type: text, rollingUpdate: part({ partition: count }) })
  }),
  status: z
    .looseObject({
      observedGeneration: generation.nullish(),
      replicas: count,
      updatedReplicas: count,
      readyReplicas: count,
      availableReplicas: count,
      currentRevision: text,
      updateRevision: text,
      desiredNumberScheduled: count,
      currentNumberScheduled: count,
      updatedNumberScheduled: count,
      numberAvailable: count,
      conditions: z.array(conditionSchema).nullish(),
      abort: z.boolean().nullish(),
      stableRS: text,
      currentPodHash: text,
      phase: text,
      message: text
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

const stateSchema = part({
  waiting: part({ reason: text, message: text }),
  running: part({ startedAt: text }),
  terminated: part({ exitCode: z.number().default(0), reason: text, message: text })
})

const containerStatusSchema = z.looseObject({
  name: z.string(),
  image: text,
  imageID: text,
  ready: z.boolean().default(false),
  restartCount: z.number().default(0),
  state: stateSchema,
  lastState: stateSchema
})
export type ContainerStatus = z.infer<typeof containerStatusSchema>

export const podSchema = z.looseObject({
  metadata: metadataSchema,
  spec: z.looseObject({ nodeName: text }).default({}),
  status: z
    .looseObject({
      phase: z.string().default('Unknown'),
      reason: text,
      message: text,
      conditions: z.array(conditionSchema).nullish(),
      containerStatuses: z.array(containerStatusSchema).nullish(),
      initContainerStatuses: z.array(containerStatusSchema).nullish()
    })
    .default({ phase: 'Unknown' })
})
export type Pod = z.infer<typeof podSchema>

export const eventSchema = z.looseObject({
  metadata: metadataSchema,
  type: text,
  reason: text,
  message: text,
  count,
  eventTime: text,
  firstTimestamp: text,
  lastTimestamp: text,
  involvedObject: z.looseObject({ kind: text, name: text, uid: text })
})
export type ClusterEvent = z.infer<typeof eventSchema>
