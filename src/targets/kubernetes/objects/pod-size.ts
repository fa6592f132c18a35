import { z } from 'zod'

/** Amounts by resource: "cpu", "memory". In cores, bytes, or pieces. */
export type Amounts = Record<string, number>

const suffixes: Record<string, number> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60
}

/** Reads a quantity such as "500m", "1Gi" or "2e3" (kubernetes.io, "Quantity"); null for anything else. */
export function quantity(text: string | number): number | null {
  const [, digits = '', suffix = ''] = /^([+-]?[\d.]+(?:[eE][+-]?\d+)?)([a-zA-Z]{0,2})$/.exec(String(text)) ?? []
  const factor = suffixes[suffix]
  const value = Number(digits)
  return digits !== '' && Number.isFinite(value) && factor !== undefined ? value * factor : null
}

/** For people, in the usual unit of the resource. */
export function quantityText(value: number, resource: string): string {
  if (/memory|storage/.test(resource)) return value < 2 ** 20 ? `${Math.round(value)}` : `${round(value / 2 ** 20)}Mi`
  return /cpu/.test(resource) && value < 10 ? `${round(value * 1000)}m` : `${round(value)}`
}

const round = (value: number): number => Math.round(value * 100) / 100

export const amountsSchema = z.record(z.string(), z.union([z.string(), z.number()])).nullish()
const containerSchema = z.looseObject({
  restartPolicy: z.string().nullish(),
  resources: z.looseObject({ requests: amountsSchema, limits: amountsSchema }).nullish()
})

/** What a quota counts of a pod's specification, or selects pods by. */
export const podSpecSchema = z.looseObject({
  containers: z.array(containerSchema).default([]),
  initContainers: z.array(containerSchema).nullish(),
  overhead: amountsSchema,
  priorityClassName: z.string().nullish()
})
export type PodSpec = z.infer<typeof podSpecSchema>

/** What a pod needs, by the names that quotas use (kubernetes.io, "Resource Quotas"): "requests.cpu", "limits.memory", "pods". */
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

/** Init containers run one after another before the others; those that always restart run beside them. */
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

function each(given: z.infer<typeof amountsSchema>, tell: (name: string, value: number) => void): void {
  for (const [name, text] of Object.entries(given ?? {})) tell(name, quantity(text) ?? 0)
}

export const isBestEffort = ({ containers, initContainers }: PodSpec): boolean =>
  [...containers, ...(initContainers ?? [])].every(
    ({ resources }) => Object.keys({ ...resources?.requests, ...resources?.limits }).length === 0
  )
