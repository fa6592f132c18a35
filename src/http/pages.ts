import type { z } from 'zod'
import { linkOf } from './answer.ts'
import type { Http, HttpRequest } from './client.ts'

export interface Pages<Item> {
  items: Item[]
  /** More pages exist than were read. */
  more: boolean
}

/** Reads a list whose pages name the next one in their Link header, to the end or to `maxPages`. */
export async function allPages<Item>(
  http: Http,
  request: Omit<HttpRequest<Item[]>, 'schema'> & { schema: z.ZodType<Item[]> },
  maxPages: number
): Promise<Pages<Item>> {
  const items: Item[] = []
  let next: string | undefined
  for (let page = 1; page <= maxPages; page++) {
    const { body, headers } = await http.json(next === undefined ? request : { ...request, path: next, query: {} })
    items.push(...body)
    next = linkOf(headers, 'next')
    if (next === undefined) return { items, more: false }
  }
  return { items, more: true }
}
