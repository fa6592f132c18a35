import { z } from 'zod'
import { type JsonObject, jsonObject } from '../../../model/json.ts'
import { fingerprintOf } from '../../../support/canonical.ts'
import type { Mask } from '../../../support/mask.ts'
import { known } from './names.ts'
import type { Container, Template } from './objects.ts'
import { quantity } from './pod-size.ts'

/** A pod template without what controllers write into it: equal for a workload and for its revision. */
export function pureTemplate(template: Template): Template {
  const { $patch: _, metadata, ...rest } = template
  const { creationTimestamp: __, labels, ...others } = metadata ?? {}
  const own = Object.entries(labels ?? {}).filter(([name]) => name !== known.templateHash && name !== known.rolloutHash)
  return { ...rest, metadata: { ...others, ...(own.length > 0 && { labels: Object.fromEntries(own) }) } }
}

/** Identifies a pod template; short enough for a step, and reveals none of its values. */
export const templateHash = (template: Template): string => fingerprintOf(pureTemplate(template), 16)

export const templateJson = (template: Template): JsonObject => jsonObject.parse(pureTemplate(template))

/** The container whose image names the version. */
export function mainContainer({ metadata, spec }: Template, wanted: string | null | undefined): Container | undefined {
  const name = wanted ?? metadata?.annotations?.[known.defaultContainer]
  return spec.containers.find((container) => container.name === name) ?? spec.containers[0]
}

/** Keeps secrets of a pod's environment, commands and labels out of all output, except the names of its containers and images. */
export function hideEnvironment({ metadata, spec }: Template, mask: Mask): void {
  mask.addLabels({ ...metadata?.labels, ...metadata?.annotations })
  for (const { name: container, image, env, ...rest } of [...spec.containers, ...(spec.initContainers ?? [])]) {
    mask.addArguments([
      rest.command,
      rest.args,
      rest.livenessProbe,
      rest.readinessProbe,
      rest.startupProbe,
      rest.lifecycle
    ])
    for (const name of [container, image]) if (name) mask.spare(name)
    for (const { name, value } of env ?? []) if (value) mask.addVariable(name, value)
  }
}

/** The cluster keeps everything that was requested; it adds defaults, omits zeros, and writes numbers its own way. */
export function covers(kept: unknown, wanted: unknown): boolean {
  if (wanted === null || wanted === undefined) return true
  if (kept === null || kept === undefined)
    return wanted === 0 || wanted === false || wanted === '' || (Array.isArray(wanted) && wanted.length === 0)
  if (Array.isArray(wanted))
    return (
      Array.isArray(kept) && kept.length === wanted.length && wanted.every((one, index) => covers(kept[index], one))
    )
  if (typeof wanted === 'object') {
    const there = new Map(Object.entries(Array.isArray(kept) ? {} : kept))
    return Object.entries(wanted).every(([key, value]) =>
      key === 'limits' || key === 'requests' ? coversAmounts(there.get(key), value) : covers(there.get(key), value)
    )
  }
  return String(kept) === String(wanted)
}

const amounts = z.record(z.string(), z.union([z.string(), z.number()])).catch({})

function coversAmounts(kept: unknown, wanted: unknown): boolean {
  const there = amounts.parse(kept)
  return Object.entries(amounts.parse(wanted)).every(([name, value]) => quantity(there[name] ?? '') === quantity(value))
}
