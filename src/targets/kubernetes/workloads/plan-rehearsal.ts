import { z } from 'zod'
import type { Step } from '../../../model/step.ts'
import type { Move as Between } from '../../target.ts'
import { inParallel } from '../client/parallel.ts'
import type { KubernetesContext } from '../context.ts'
import type { WorkloadChange } from '../objects/move.ts'
import { addressText, shortText } from '../objects/names.ts'
import { part } from '../objects/objects.ts'
import { type Findings, joined } from '../preflight/findings.ts'
import { deniedOf } from '../preflight/rights.ts'
import { rolloutOf } from './health.ts'
import { rehearse } from './steps/rehearse.ts'

/**
 * The rehearsal before anything is changed: of every workload when the configuration or the caller asks for it, by default of those
 * whose pods all stop first. What cannot be rehearsed is said.
 */
export async function planRehearsal(
  cluster: KubernetesContext,
  changes: readonly WorkloadChange[],
  between: Between,
  signal: AbortSignal
): Promise<Findings & { steps: Step[] }> {
  const { config, api } = cluster
  const asked = config.rehearse === true
  const wanted = changes.filter(
    ({ workload: { object } }) =>
      rolloutOf(object).wanted > 0 && (config.rehearse ?? object.spec.strategy?.type === 'Recreate')
  )
  const whyNot = await inParallel(wanted, 12, (change) => whyNotBeside(cluster, change, signal))
  const moves = wanted.flatMap(({ move }, index) => (whyNot[index] ? [] : [move]))
  const found = wanted.map(({ move }, index): Partial<Findings> => {
    const why = whyNot[index]
    if (!why) return {}
    const name = shortText(move)
    return asked
      ? {
          blockers: [
            {
              id: `cannot_rehearse:${addressText(move)}`,
              what: `${name} cannot be rehearsed`,
              why,
              next: 'Pass rehearse: false, or set `rehearse` to false in the configuration of the target.'
            }
          ]
        }
      : {
          risks: [
            {
              id: `unproven:${addressText(move)}`,
              serious: false,
              title: `That ${between.to.version} starts is not proven before every pod of ${name} stops`,
              detail: `It cannot be tried beside the present version: ${why}.`
            }
          ]
        }
  })
  const beside = moves.map(
    (move) =>
      `One pod of ${between.to.version} runs beside ${shortText(move)} for a moment. If two must never run at once, pass rehearse: false.`
  )
  return {
    ...joined([...found, { notes: beside }]),
    steps: moves.length > 0 ? [rehearse.plan(cluster, { server: api.server, moves, asked }, between)] : []
  }
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
