import type { z } from 'zod'
import type { Clock } from '../../../support/clock.ts'
import { metaOnlySchema } from '../objects.ts'
import type { Api, Request } from './api.ts'
import { isStatus } from './failure.ts'

/** One who follows a list: which items concern him, and what to tell him whenever one of these changes. */
export interface Interest<T> {
  wants(item: T): boolean
  tell(items: T[]): void
}

export interface FollowedList<T> {
  /** Tells `interest` the present items as soon as they are known, and each change from then on. */
  join(interest: Interest<T>): void
  leave(interest: Interest<T>): void
  /** Resolves when `signal` is aborted. @throws ApiFailure only when reading is forbidden or the request is wrong. */
  ended: Promise<void>
}

/** Keeps a list up to date by watching it, through lost connections and restarts of the server, until `signal` is aborted. */
export function followList<T extends { metadata: { name: string } }>(
  api: Api,
  clock: Clock,
  request: Omit<Request, 'signal'>,
  item: z.ZodType<T>,
  signal: AbortSignal
): FollowedList<T> {
  const interests = new Set<Interest<T>>()
  let items: Map<string, T> | null = null

  const tell = (interest: Interest<T>): void => {
    if (items) interest.tell([...items.values()].filter(interest.wants))
  }
  const change = (name: string, now: T | undefined): void => {
    const before = items?.get(name)
    if (now) items?.set(name, now)
    else items?.delete(name)
    for (const interest of [...interests])
      if ((before && interest.wants(before)) || (now && interest.wants(now))) tell(interest)
  }

  async function follow(): Promise<void> {
    while (!signal.aborted) {
      try {
        const listed = await api.list({ ...request, signal }, item)
        items = new Map(listed.items.map((one) => [one.metadata.name, one]))
        for (const interest of [...interests]) tell(interest)
        const query = { ...request.query, resourceVersion: listed.resourceVersion, timeoutSeconds: 240 }
        for await (const { type, object } of api.watch({ ...request, query, signal })) {
          if (type === 'ERROR') break
          const { name } = metaOnlySchema.parse(object).metadata
          if (type === 'DELETED') change(name, undefined)
          else if (type === 'ADDED' || type === 'MODIFIED') change(name, item.parse(object))
        }
      } catch (error) {
        if (signal.aborted) return
        if (isStatus(error, 400, 401, 403, 404)) throw error
      }
      await clock.sleep(300, signal).catch(() => undefined)
    }
  }

  return {
    join(interest) {
      interests.add(interest)
      tell(interest)
    },
    leave: (interest) => {
      interests.delete(interest)
    },
    ended: follow()
  }
}
