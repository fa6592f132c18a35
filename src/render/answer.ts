import type { z } from 'zod'
import type { Mask } from '../support/mask.ts'
import type { RenderedError } from './error.ts'

/** A sensible next call. */
export interface NextCall {
  tool: string
  arguments: Record<string, unknown>
  when: string
}

/** A typed result as both faces show it: text for people, data in snake_case, the next calls. */
export interface Rendered<Output extends z.ZodObject = z.ZodObject> {
  ok: boolean
  summary: string
  next: NextCall[]
  data: z.infer<Output>
}

/** What leaves the program: one outer shape on success and failure, masked. */
export interface Answer {
  [key: string]: unknown
  ok: boolean
  summary: string
  next: NextCall[]
  error?: RenderedError
}

/** The answer of a rendered result; `mask` has the last word on every text in it. */
export const answerOf = ({ data, ...rest }: Rendered, mask: Mask): Answer => mask.shown({ ...rest, ...data })

/** A titled list for a summary; nothing when it is empty. */
export const section = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : ['', `${title}:`, ...lines.map((line) => `  - ${line}`)]
