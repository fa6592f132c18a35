import type { z } from 'zod'
import type { Mask } from '../support/mask.ts'
import type { NextCall } from '../support/next-call.ts'
import type { RenderedError } from './error.ts'

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

const labelWidth = 8

/** Lines of a summary under one label, which the first of them carries; each text is one line, however long. */
export const labelled = (label: string, texts: readonly string[]): string[] =>
  texts.map((text, index) => `  ${(index === 0 ? label : '').padEnd(labelWidth)} ${text}`)

/** A titled list for a summary; nothing when it is empty. */
export const section = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : ['', `${title}:`, ...lines.map((line) => `  - ${line}`)]
