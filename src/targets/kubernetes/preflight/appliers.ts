import type { Risk } from '../../../model/observation.ts'
import { fieldManager, templateAppliers } from '../objects/field-owners.ts'
import type { WorkloadChange } from '../objects/move.ts'
import { addressText, shortText } from '../objects/names.ts'
import type { Template } from '../objects/objects.ts'

/** Several who apply parts of a template: none of them can take over all of the old one, so each of their next applies conflicts. */
export function applierRisks({ workload, revision, move }: WorkloadChange): Risk[] {
  const appliers = templateAppliers(workload.object)
  if (appliers.length < 2) return []
  const present = new Set(namesIn(workload.object.spec.template))
  const left = namesIn(revision.template).filter((name) => !present.has(name))
  return [
    {
      id: `appliers:${addressText(move)}`,
      serious: false,
      title: `The next server-side apply of ${shortText(move)} conflicts with "${fieldManager}"`,
      detail: `${appliers.join(' and ')} each apply a part of its template, so none of them takes over the old one. Pass --force-conflicts to that apply${
        left.length > 0 ? `; then remove what only the old template has, which stays: ${left.join(', ')}` : ''
      }.`
    }
  ]
}

const namesIn = ({ spec }: Template): string[] =>
  [...spec.containers, ...(spec.initContainers ?? [])].flatMap(({ name, env }) => [
    `container ${name}`,
    ...(env ?? []).map((one) => `variable ${one.name} of ${name}`)
  ])
