import { z } from 'zod'
import type { Step } from '../../../model/step.ts'
import type { Move as Between } from '../../target.ts'
import { inParallel } from '../client/parallel.ts'
import type { KubernetesContext } from '../context.ts'
import type { Move, WorkloadChange } from '../objects/move.ts'
import { type Address, addressText, shortText } from '../objects/names.ts'
import { part } from '../objects/objects.ts'
import { selects, servicesIn } from '../objects/services.ts'
import { type Findings, joined } from '../preflight/findings.ts'
import { deniedOf } from '../preflight/rights.ts'
import { rolloutOf } from './health.ts'
import { rehearse } from './steps/rehearse.ts'

/**
 * The rehearsal before anything is changed: of every workload when the configuration or the caller asks for it, by default of those
 * whose pods all stop first. What cannot be rehearsed is said; `otherReason` is why one cannot, beyond what its template says.
 */
export async function planRehearsal(
  cluster: KubernetesContext,
  changes: readonly WorkloadChange[],
  between: Between,
  signal: AbortSignal,
  otherReason: (change: WorkloadChange) => string | null = () => null
): Promise<Findings & { steps: Step[] }> {
  const { config, api } = cluster
  const asked = config.rehearse === true
  const wanted = changes.filter(
    ({ workload: { object } }) =>
      rolloutOf(object).wanted > 0 && (config.rehearse ?? object.spec.strategy?.type === 'Recreate')
  )
  const whyNot = await inParallel(
    wanted,
    12,
    async (change) => otherReason(change) ?? (await whyNotBeside(cluster, change, signal))
  )
  const moves = wanted.flatMap(({ move }, index) => (whyNot[index] ? [] : [move]))
  const found = wanted.map(({ move }, index): Partial<Findings> => {
    const why = whyNot[index]
    if (!why) return {}
    return notRehearsed(cluster, move, between.to.version, why)
  })
  const served = await inParallel(wanted, 12, (change) => isServed(cluster, change, signal))
  const beside = wanted.flatMap(({ move }, index) =>
    whyNot[index] ? [] : [besideOf(move, between.to.version, asked || served[index] === true)]
  )
  return {
    ...joined([...found, ...beside]),
    steps: moves.length > 0 ? [rehearse.plan(cluster, { server: api.server, moves, asked }, between)] : []
  }
}

/** That a workload is not rehearsed: refused where the caller asked for it, otherwise a risk. */
export function notRehearsed(
  { config }: KubernetesContext,
  address: Address,
  version: string,
  why: string
): Partial<Findings> {
  const name = shortText(address)
  return config.rehearse
    ? {
        blockers: [
          {
            id: `cannot_rehearse:${addressText(address)}`,
            what: `${name} cannot be rehearsed`,
            why,
            next: 'Pass rehearse: false, or set `rehearse` to false in the configuration of the target.'
          }
        ]
      }
    : {
        risks: [
          {
            id: `unproven:${addressText(address)}`,
            serious: false,
            title: `That ${version} starts is not proven before every pod of ${name} stops`,
            detail: `It cannot be tried beside the present version: ${why}.`
          }
        ]
      }
}

/** What no Service leads to fetches its work by itself, and `Recreate` is how people say that only one may do so at a time. */
function besideOf(move: Move, version: string, isExpected: boolean): Partial<Findings> {
  const name = shortText(move)
  const what = `One pod of ${version} runs beside ${name} for a moment`
  if (isExpected) return { notes: [`${what}. If two must never run at once, pass rehearse: false.`] }
  return {
    risks: [
      {
        id: `runs_twice:${addressText(move)}`,
        serious: true,
        title: `${what}, and may do its work twice`,
        detail: `No Service that these rights show leads to it, so a pod without traffic works like any other. If two must never run at once, pass rehearse: false; then nothing proves that ${version} starts before every pod stops.`
      }
    ]
  }
}

/** Whether a Service leads to its pods, before or after; one that serves nothing now is not rehearsed. */
async function isServed(
  cluster: KubernetesContext,
  { workload: { object }, revision, move }: WorkloadChange,
  signal: AbortSignal
): Promise<boolean> {
  if (rolloutOf(object).available === 0) return true
  const services = await servicesIn(cluster, move.namespace, signal)
  return services.some((service) => selects(service, object.spec.template) || selects(service, revision.template))
}

const templateSpecSchema = z.looseObject({
  hostNetwork: z.boolean().nullish(),
  containers: z.array(z.looseObject({ ports: z.array(z.looseObject({ hostPort: z.number().nullish() })).nullish() })),
  volumes: z
    .array(
      z.looseObject({ persistentVolumeClaim: part({ claimName: z.string() }), hostPath: part({ path: z.string() }) })
    )
    .nullish()
})

/** Why a pod of the template must not, or may not, run beside the present ones; null where it may. */
async function whyNotBeside(
  cluster: KubernetesContext,
  { workload: { object }, revision, move }: WorkloadChange,
  signal: AbortSignal
): Promise<string | null> {
  const { hostNetwork, containers, volumes } = templateSpecSchema.parse(revision.template.spec)
  const ports = containers.flatMap(({ ports }) => ports ?? []).some(({ hostPort }) => hostPort)
  if (hostNetwork || ports) return 'it uses ports of its node'
  for (const { persistentVolumeClaim: claim, hostPath } of volumes ?? []) {
    if (claim) return `both would use the volume claim ${claim.claimName}`
    if (hostPath) return `both would use ${hostPath.path} of their node`
  }
  if (Array.isArray(object.spec.volumeClaimTemplates)) return 'its volume claims are those of the present pods'
  const { namespace } = move
  const verbs = ['get', 'create', 'delete']
  const needed = verbs.map((verb) => ({ namespace, group: '', resource: 'pods', verb }))
  const missing = (await deniedOf(cluster, needed, signal)).map(({ verb }) => verb)
  return missing.length > 0 ? `these rights do not allow ${missing.join(' and ')} of pods` : null
}
