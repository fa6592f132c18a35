import { z } from 'zod'
import type { Move } from '../step-params.ts'
import type { Pod } from './objects.ts'

/** A DaemonSet's controller binds each pod to its node by this, before the scheduler gives it the node's name. */
const affinitySchema = z.looseObject({
  nodeAffinity: z.looseObject({
    requiredDuringSchedulingIgnoredDuringExecution: z.looseObject({
      nodeSelectorTerms: z.array(
        z.looseObject({
          matchFields: z
            .array(z.looseObject({ key: z.string(), operator: z.string(), values: z.array(z.string()).nullish() }))
            .nullish()
        })
      )
    })
  })
})

/** What a pod and its replacement share: a StatefulSet's pod its name, a DaemonSet's its node. */
export const placeOf = (pod: Pod, { kind }: Pick<Move, 'kind'>): string =>
  kind === 'daemonset' ? (pod.spec.nodeName ?? nodeMeantFor(pod) ?? pod.metadata.name) : pod.metadata.name

function nodeMeantFor({ spec }: Pod): string | undefined {
  const { data } = affinitySchema.safeParse(spec.affinity)
  const fields = data?.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms.flatMap(
    ({ matchFields }) => matchFields ?? []
  )
  return fields?.find(({ key, operator }) => key === 'metadata.name' && operator === 'In')?.values?.[0]
}
