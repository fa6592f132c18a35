import { orOn } from '../client/failure.ts'
import { inParallel } from '../client/parallel.ts'
import type { KubernetesContext } from '../context.ts'
import { marks } from '../objects/names.ts'
import { metaOnlySchema } from '../objects/objects.ts'
import { stateOf } from '../preflight/config-changes.ts'
import { isConfig, readMetadata, referencesOf, referenceText } from '../preflight/references.ts'
import { readWorkloads } from './read.ts'
import { revisionPath } from './steps/annotate-revision.ts'

/**
 * Keeps on each revision that serves which state its ConfigMaps and Secrets have now: identity and resource version, from which no
 * content can be guessed. Leaves out what these rights do not allow reading, and does nothing where they do not allow keeping it.
 */
export async function remember(cluster: KubernetesContext, signal: AbortSignal): Promise<void> {
  const workloads = await readWorkloads(cluster, signal)
  await inParallel(workloads, 12, async ({ address, current, object }) => {
    const references = referencesOf(object.spec.template).filter(isConfig)
    if (!current || references.length === 0) return
    const states = await inParallel(references, 4, async (reference) => {
      const found = await readMetadata(cluster, address.namespace, reference, signal)
      return found && found !== 'forbidden' ? [[referenceText(reference), stateOf(found)]] : []
    })
    const text = JSON.stringify({ revision: current.name, objects: Object.fromEntries(states.flat()) })
    const request = {
      doing: `Marking revision ${current.name}`,
      method: 'PATCH',
      path: revisionPath(address, current.name),
      contentType: 'application/merge-patch+json',
      body: { metadata: { annotations: { [marks.configuration]: text } } },
      signal
    } as const
    await cluster.api.send(request, metaOnlySchema).catch(orOn(null, 403, 404, 409, 413, 422))
  })
}
