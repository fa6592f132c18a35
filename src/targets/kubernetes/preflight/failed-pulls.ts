import { isStatus } from '../client/failure.ts'
import type { KubernetesContext } from '../context.ts'
import { eventSchema } from '../objects/objects.ts'

/** A pull that a kubelet reported as failed. */
export interface FailedPull {
  image: string
  pod: string
  message: string
  at?: string
}

/** What kubelets say of a failed pull (kubernetes, pkg/kubelet/images/image_manager.go): `Failed to pull image "web:2": ...`. */
const failure = /^Failed to pull image "([^"]+)": (.*)$/s

/** Failed pulls in a namespace as long as the cluster keeps its events, usually an hour; none where events may not be read. */
export async function failedPulls(
  { api }: KubernetesContext,
  namespace: string,
  signal: AbortSignal
): Promise<FailedPull[]> {
  try {
    const { items } = await api.list(
      {
        doing: `Reading the events in ${namespace}`,
        path: `/api/v1/namespaces/${namespace}/events`,
        query: { fieldSelector: 'reason=Failed,involvedObject.kind=Pod' },
        signal
      },
      eventSchema
    )
    return items.flatMap(({ message, lastTimestamp, eventTime, involvedObject }) => {
      const [, image, why] = failure.exec(message ?? '') ?? []
      const at = lastTimestamp ?? eventTime
      return image ? [{ image, message: why ?? '', pod: involvedObject.name ?? '', ...(at && { at }) }] : []
    })
  } catch (error) {
    if (isStatus(error, 403)) return []
    throw error
  }
}
