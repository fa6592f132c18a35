import type { z } from 'zod'
import type { Clock } from '../../../support/clock.ts'
import { RollbackError } from '../../../support/errors.ts'
import { metaOnlySchema } from '../objects/objects.ts'
import { type Api, type Request, understood } from './api.ts'
import { isStatus, passes } from './failure.ts'

/** A follower of a list: which items it wants, and what it does whenever one of these changes. */
export interface Interest<T> {
  wants(item: T): boolean
  tell(items: T[]): void
  /** Whether changes arrive now: not before the first list, nor while the server is away. */
  inTouch?(is: boolean): void
}

interface FollowedList<T> {
  /** Tells `interest` the present items as soon as they are known, and each change from then on. */
  join(interest: Interest<T>): void
  leave(interest: Interest<T>): void
  /** Resolves when `signal` is aborted. @throws ConfigError, TargetError for what stays without a change: a login that expired, a right that is missing. */
  ended: Promise<void>
}

const shortestWaitMs = 300
const longestWaitMs = 5000

/** A broken connection, a server that is away or busy, a version that it no longer knows: listing again helps. */
const mayPass = (error: unknown): boolean => !(error instanceof RollbackError) || passes(error) || isStatus(error, 410)

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
  let isInTouch = false

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

  const touch = (is: boolean): void => {
    if (is !== isInTouch) for (const interest of [...interests]) interest.inTouch?.(is)
    isInTouch = is
  }

  async function watch(resourceVersion: string): Promise<void> {
    const query = { ...request.query, resourceVersion, timeoutSeconds: 240 }
    for await (const { type, object } of api.watch({ ...request, query, signal })) {
      if (type === 'ERROR') return
      const { name } = understood(request, object, metaOnlySchema).metadata
      if (type === 'DELETED') change(name, undefined)
      else if (type === 'ADDED' || type === 'MODIFIED') change(name, understood(request, object, item))
    }
  }

  async function follow(): Promise<void> {
    for (let wait = shortestWaitMs; !signal.aborted; ) {
      try {
        const listed = await api.list({ ...request, signal }, item)
        touch(true)
        items = new Map(listed.items.map((one) => [one.metadata.name, one]))
        for (const interest of [...interests]) tell(interest)
        await watch(listed.resourceVersion)
        wait = shortestWaitMs
      } catch (error) {
        if (signal.aborted) return
        if (!mayPass(error)) throw error
        wait = Math.min(wait * 2, longestWaitMs)
      }
      touch(false)
      await clock.sleep(wait, signal).catch(() => undefined)
    }
  }

  return {
    join(interest) {
      interests.add(interest)
      if (!isInTouch) interest.inTouch?.(false)
      tell(interest)
    },
    leave: (interest) => {
      interests.delete(interest)
    },
    ended: follow()
  }
}

/** Lists of one kind of object, each followed once for all its followers. */
export interface SharedLists<T> {
  /** Tells `interest` about its items until `signal` is aborted. @throws as the list's `ended` does. */
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
