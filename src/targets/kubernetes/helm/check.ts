import type { Check } from '../../../model/check.ts'
import { messageOf } from '../../../support/errors.ts'
import { oneLine, quoted } from '../../../support/text.ts'
import type { KubernetesContext } from '../context.ts'
import { addressText, shortText } from '../objects/names.ts'
import type { Workload } from '../objects/workload.ts'
import { imagesOf } from './manifest.ts'
import type { HelmDetails } from './releases.ts'

/** Checks Helm's own record: its newest revision is deployed, with the content of the planned one. */
export async function checkHelm(
  { helm }: KubernetesContext,
  wanted: HelmDetails,
  signal: AbortSignal
): Promise<Check[]> {
  const id = `helm:${wanted.namespace}/${wanted.name}`
  const title = `The Helm release ${wanted.name} is deployed as in its revision ${wanted.revision}`
  try {
    const [newest] = await helm.history.records(wanted, signal)
    if (!newest) return [{ id, title, status: 'fail', detail: 'it has no history' }]
    const { hash } = await helm.history.content(wanted, newest, signal)
    const detail = oneLine(`revision ${newest.revision}: ${newest.status} (${quoted(newest.description)})`, 300)
    return [{ id, title, status: newest.status === 'deployed' && hash === wanted.content ? 'pass' : 'fail', detail }]
  } catch (error) {
    signal.throwIfAborted()
    return [{ id, title, status: 'unknown', detail: oneLine(messageOf(error), 300) }]
  }
}

/** Helm merges its templates with what others set, so only the images must be the planned ones. */
export function imagesCheck({ address, object }: Workload, wanted: Record<string, string> | undefined): Check {
  const id = `identity:${addressText(address)}`
  const title = `${shortText(address)} runs the planned images`
  const live = imagesOf(object.spec.template)
  const detail = Object.values(live).join(', ')
  if (!wanted) return { id, title, status: 'unknown', detail: `${detail}; the planned ones are unknown` }
  const same = Object.entries(wanted).every(([name, image]) => live[name] === image)
  return { id, title, status: same ? 'pass' : 'fail', detail }
}
