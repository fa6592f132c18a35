import { z } from 'zod'
import { explainAbort } from '../support/explain-abort.ts'
import { checkedInput, type Effect, type Tool, type ToolCall } from '../tools/define-tool.ts'
import { type Answer, answerOf, type Rendered } from './answer.ts'
import { renderError } from './error.ts'

/** A tool whose results are rendered. */
export interface RenderedTool {
  name: string
  effect: Effect
  /** As tools/list shows it. */
  description: ReturnType<typeof describe>
  /** Checks the input, runs the tool, and renders the result or the error. Never throws. */
  call(input: unknown, call: ToolCall): Promise<{ answer: Answer; isError: boolean }>
}

/** Ties a tool to the schema of its data and to the function that renders its result. */
export function renderedTool<Input extends z.ZodObject, Result>(
  tool: Tool<Input, Result>,
  output: z.ZodObject,
  render: (result: Result, input: z.infer<Input>) => Rendered
): RenderedTool {
  return {
    name: tool.name,
    effect: tool.effect,
    description: describe(tool, output),
    async call(given, call) {
      const { mask, log } = call.project
      try {
        const input = checkedInput(tool, given)
        return { answer: answerOf(render(mask.shown(await tool.run(input, call)), input), mask), isError: false }
      } catch (thrown) {
        const rendered = renderError(explainAbort(thrown, call.cancelled), mask)
        const level = rendered.error.fault === 'program' ? 'error' : 'warning'
        log(level, `${tool.name}: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`)
        return { answer: rendered, isError: true }
      }
    }
  }
}

/** A compact description, because a model reads every byte of it; the bounds are checked all the same. */
function describe({ name, title, description, effect, input }: Tool<z.ZodObject, unknown>, output: z.ZodObject) {
  const { properties, required } = z.toJSONSchema(input, {
    io: 'input',
    override: ({ jsonSchema }) => {
      for (const bound of boundKeys) delete jsonSchema[bound]
    }
  })
  const fields = Object.entries(output.shape).filter(([, schema]) => !(schema instanceof z.ZodOptional))
  return {
    name,
    title,
    description,
    inputSchema: { type: 'object' as const, properties: properties as Record<string, object>, required },
    // Required is only what success and failure share.
    outputSchema: {
      type: 'object' as const,
      properties: {
        summary: { type: 'string' },
        next: { type: 'array' },
        ...Object.fromEntries(fields.map(([field]) => [field, {}]))
      },
      required: ['summary', 'next']
    },
    annotations: {
      // Claude Code's permission prompt shows this one.
      title,
      readOnlyHint: effect === 'reads',
      destructiveHint: effect === 'changes the target',
      openWorldHint: effect !== 'adds a file'
    },
    ...(effect === 'changes the target' && { _meta: { 'anthropic/requiresUserInteraction': true } })
  }
}

const boundKeys = ['minLength', 'maxLength', 'minimum', 'maximum', 'maxItems', 'pattern', 'format'] as const
