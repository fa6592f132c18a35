import type { z } from 'zod'
import type { Clock } from '../../../support/clock.ts'
import type { Api, Request } from './api.ts'
import { type FollowedList, followList, type Interest } from './follow-list.ts'

/** Lists of one kind of object, each followed once for all who want to know of it. */
export interface SharedLists<T> {
  /** Tells of what concerns `interest` until `signal` is aborted. @throws as the list's `ended` does. */
  follow(request: Omit<Request, 'signal'>, interest: Interest<T>, signal: AbortSignal): Promise<void>
}

interface Shared<T> {
  list: FollowedList<T>
  followers: number
  end: AbortController
}

export function sharedLists<T extends { metadata: { name: string } }>(
  api: Api,
  clock: Clock,
  item: z.ZodType<T>
): SharedLists<T> {
  const open = new Map<string, Shared<T>>()

  const begin = (key: string, request: Omit<Request, 'signal'>): Shared<T> => {
    const end = new AbortController()
    const shared = { list: followList(api, clock, request, item, end.signal), followers: 0, end }
    open.set(key, shared)
    return shared
  }

  return {
    async follow(request, interest, signal) {
      const key = JSON.stringify([request.path, request.query])
      const shared = open.get(key) ?? begin(key, request)
      shared.followers++
      shared.list.join(interest)
      try {
        await Promise.race([shared.list.ended, aborted(signal)])
      } finally {
        shared.list.leave(interest)
        shared.followers--
        if (shared.followers === 0) {
          shared.end.abort()
          open.delete(key)
          await shared.list.ended.catch(() => undefined)
        }
      }
    }
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
