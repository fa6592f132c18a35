import { z } from 'zod'
import { renderError } from '../render/error.ts'
import { snakeCase } from '../support/casing.ts'
import { InputError } from '../support/errors.ts'
import { explainAbort } from '../support/explain-abort.ts'
import type { Tool, ToolCall } from './define-tool.ts'

/** What leaves: the same outer shape on success and failure, masked, in snake_case. */
export interface Answer {
  [key: string]: unknown
  ok: boolean
  summary: string
  next: unknown[]
}

/** Checks the input, runs the tool, and renders whatever comes of it. Never throws. */
export async function callTool(
  tool: Tool,
  input: unknown,
  call: ToolCall
): Promise<{ answer: Answer; isError: boolean }> {
  const { mask, log } = call.project
  const finished = (answer: Record<string, unknown>): Answer => mask.record(snakeCase(answer)) as Answer
  try {
    const { ok, summary, next, data } = await tool.handler(checkedInput(tool, input), call)
    return { answer: finished({ ok, summary, next, ...data }), isError: false }
  } catch (error) {
    const rendered = renderError(explainAbort(error, call.cancelled))
    log(
      rendered.error.fault === 'program' ? 'error' : 'warning',
      `${tool.name}: ${(error as Error).stack ?? String(error)}`
    )
    return { answer: finished({ ok: false, ...rendered }), isError: true }
  }
}

function checkedInput(tool: Tool, input: unknown): Record<string, unknown> {
  const parsed = z.strictObject(tool.input.shape).safeParse(input ?? {})
  if (parsed.success) return parsed.data
  throw new InputError({
    what: `${tool.name} cannot take these arguments`,
    why: parsed.error.issues
      .slice(0, 5)
      .map(({ path, message }) => `${path.join('.') || 'arguments'}: ${message}`)
      .join('; '),
    next: `It takes ${Object.keys(tool.input.shape).join(', ')}.`,
    code: 'bad_arguments'
  })
}
