import { z } from 'zod'
import type { Tool } from './define-tool.ts'

/** A tool as tools/list shows it: compact, for every byte is read by a model; the bounds are checked all the same. */
export function describeTool({ name, title, description, effect, input, output }: Tool) {
  const {
    $schema: _,
    additionalProperties: __,
    ...inputSchema
  } = z.toJSONSchema(input, {
    io: 'input',
    override: ({ jsonSchema }) => {
      for (const bound of boundKeys) delete jsonSchema[bound]
    }
  })
  return {
    name,
    title,
    description,
    inputSchema: inputSchema as { type: 'object' },
    outputSchema: outputSchema(output),
    annotations: {
      // the one that Claude Code's permission prompt shows
      title,
      readOnlyHint: effect === 'reads',
      destructiveHint: effect === 'changes the target',
      openWorldHint: effect !== 'adds a file'
    },
    ...(effect === 'changes the target' && { _meta: { 'anthropic/requiresUserInteraction': true } })
  }
}

const boundKeys = ['minLength', 'maxLength', 'minimum', 'maximum', 'maxItems', 'pattern', 'format'] as const

/** Names of all fields; typed and required is only what is there on success and failure alike. */
const outputSchema = (output: Tool['output']) => ({
  type: 'object' as const,
  properties: {
    summary: { type: 'string' },
    next: { type: 'array' },
    ...Object.fromEntries(output.map((name) => [name, {}]))
  },
  required: ['summary', 'next']
})
