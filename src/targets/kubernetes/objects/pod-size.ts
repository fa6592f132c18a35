import { z } from 'zod'
import { type Amounts, quantity } from './quantity.ts'

const amounts = z.record(z.string(), z.union([z.string(), z.number()])).nullish()
const containerSchema = z.looseObject({
  restartPolicy: z.string().nullish(),
  resources: z.looseObject({ requests: amounts, limits: amounts }).nullish()
})

/** What of a pod's specification a quota counts, or chooses pods by. */
export const podSpecSchema = z.looseObject({
  containers: z.array(containerSchema).default([]),
  initContainers: z.array(containerSchema).nullish(),
  overhead: amounts,
  priorityClassName: z.string().nullish()
})
export type PodSpec = z.infer<typeof podSpecSchema>

/** What a pod takes, by the names that quotas use (kubernetes.io, "Resource Quotas"): "requests.cpu", "limits.memory", "pods". */
export function sizeOf(spec: PodSpec): Amounts {
  const requests = total(spec, 'requests')
  const limits = total(spec, 'limits')
  return {
    pods: 1,
    'count/pods': 1,
    ...requests,
    ...Object.fromEntries(Object.entries(requests).map(([name, value]) => [`requests.${name}`, value])),
    ...Object.fromEntries(Object.entries(limits).map(([name, value]) => [`limits.${name}`, value]))
  }
}

/** Init containers run one after another before the others, those that always restart beside them. */
function total({ containers, initContainers, overhead }: PodSpec, part: 'requests' | 'limits'): Amounts {
  const beside = (initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')
  const sum: Amounts = {}
  for (const { resources } of [...containers, ...beside])
    each(resources?.[part], (name, value) => add(sum, name, value))
  for (const { resources } of initContainers ?? [])
    each(resources?.[part], (name, value) => {
      sum[name] = Math.max(sum[name] ?? 0, value)
    })
  each(overhead, (name, value) => add(sum, name, value))
  return sum
}

const add = (sum: Amounts, name: string, value: number): void => {
  sum[name] = (sum[name] ?? 0) + value
}

function each(given: z.infer<typeof amounts>, tell: (name: string, value: number) => void): void {
  for (const [name, text] of Object.entries(given ?? {})) tell(name, quantity(text) ?? 0)
}

export const isBestEffort = ({ containers, initContainers }: PodSpec): boolean =>
  [...containers, ...(initContainers ?? [])].every(
    ({ resources }) => Object.keys({ ...resources?.requests, ...resources?.limits }).length === 0
  )
