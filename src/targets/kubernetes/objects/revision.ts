import { z } from 'zod'
import { tryOutsideJson } from '../../../support/nesting.ts'
import { known, marks } from './names.ts'
import type { controllerRevisionSchema, Metadata, ReplicaSet, Template } from './objects.ts'
import { mainContainer, pureTemplate, templateHash } from './template.ts'

/** One revision of a workload: a ReplicaSet or a ControllerRevision. */
export interface Revision {
  name: string
  uid: string
  number: number
  createdAt?: string
  template: Template
  hash: string
  /** The image whose tag names the version. */
  image: string
  changeCause?: string
  /** When it was rolled back from, by our own annotation. */
  rolledBackAt?: string
  /** What was last applied when it was rolled back from, kept until the rollback is proven or undone. */
  lastApplied?: z.infer<typeof lastAppliedSchema>
  /** The state of each ConfigMap and Secret that it names, by resource/name, when it was proven. */
  configuration?: Record<string, string>
  /** Pods that it has, and that are available; unknown for ControllerRevisions. */
  replicas?: number
  available?: number
}

/** What `kubectl apply` had applied, and the rollback that keeps it here to restore it. */
const lastAppliedSchema = z.looseObject({ rollback_id: z.string(), configuration: z.string() })

const configurationSchema = z.looseObject({ revision: z.string(), objects: z.record(z.string(), z.string()) })

const markSchema = z.looseObject({ revision: z.string(), at: z.iso.datetime(), rollback_id: z.string() })

export const revisionOfReplicaSet = (set: ReplicaSet, container: string | null | undefined): Revision => ({
  ...common(set.metadata, set.spec.template, container),
  number: Number(set.metadata.annotations?.[known.revision] ?? set.metadata.annotations?.[known.rolloutRevision] ?? 0),
  replicas: set.status.replicas ?? 0,
  available: set.status.availableReplicas ?? 0
})

export const revisionOfController = (
  { metadata, revision, data }: z.infer<typeof controllerRevisionSchema>,
  container: string | null | undefined
): Revision => ({ ...common(metadata, data.spec.template, container), number: revision })

function common(
  metadata: Metadata,
  template: Template,
  container: string | null | undefined
): Omit<Revision, 'number'> {
  const cause = metadata.annotations?.[known.changeCause]
  const rolledBackAt = markOf(metadata)?.at
  const lastApplied = lastAppliedSchema.safeParse(tryOutsideJson(metadata.annotations?.[marks.lastApplied] ?? '')).data
  const memory = configurationSchema.safeParse(tryOutsideJson(metadata.annotations?.[marks.configuration] ?? '')).data
  return {
    name: metadata.name,
    uid: metadata.uid,
    ...(metadata.creationTimestamp && { createdAt: new Date(metadata.creationTimestamp).toISOString() }),
    template: pureTemplate(template),
    hash: templateHash(template),
    image: mainContainer(template, container)?.image ?? '',
    ...(cause && { changeCause: cause }),
    ...(rolledBackAt && { rolledBackAt }),
    ...(lastApplied && { lastApplied }),
    ...(memory?.revision === metadata.name && { configuration: memory.objects })
  }
}

/** Controllers copy annotations from object to object, so a mark counts only on the revision that it names. */
export function markOf({ name, annotations }: Metadata): z.infer<typeof markSchema> | undefined {
  const { data: mark } = markSchema.safeParse(tryOutsideJson(annotations?.[marks.rolledBack] ?? ''))
  return mark?.revision === name ? mark : undefined
}
