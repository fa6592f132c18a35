import type { z } from 'zod'
import type { Clock } from '../../../support/clock.ts'
import { metaOnlySchema } from '../objects.ts'
import type { Api, Request } from './api.ts'
import { isStatus } from './failure.ts'

/**
 * Keeps a list up to date by watching it, through lost connections and restarts of the server, and tells each new state until
 * `signal` is aborted. @throws ApiFailure only when reading is forbidden or the request is wrong.
 */
export async function followList<T extends { metadata: { name: string } }>(
  api: Api,
  clock: Clock,
  request: Omit<Request, 'signal'>,
  item: z.ZodType<T>,
  signal: AbortSignal,
  tell: (items: T[]) => void
): Promise<void> {
  while (!signal.aborted) {
    try {
      const listed = await api.list({ ...request, signal }, item)
      const items = new Map(listed.items.map((one) => [one.metadata.name, one]))
      tell([...items.values()])
      const query = { ...request.query, resourceVersion: listed.resourceVersion, timeoutSeconds: 240 }
      for await (const { type, object } of api.watch({ ...request, query, signal })) {
        if (type === 'ERROR') break
        if (type === 'DELETED') items.delete(metaOnlySchema.parse(object).metadata.name)
        else if (type === 'ADDED' || type === 'MODIFIED') {
          const changed = item.parse(object)
          items.set(changed.metadata.name, changed)
        }
        tell([...items.values()])
      }
    } catch (error) {
      if (signal.aborted) return
      if (isStatus(error, 400, 401, 403, 404)) throw error
    }
    await clock.sleep(300, signal).catch(() => undefined)
  }
}
