import { z } from 'zod'
import { deployFileSchema, targetEntrySchema } from '../../src/project/deploy-schema.ts'
import { rollbackSettingsSchema } from '../../src/rollback/session.ts'
import { signalSchema } from '../../src/signals/signal-schema.ts'
import type { TargetType } from '../../src/targets/define-target.ts'

type Json = Record<string, unknown>

/** The JSON Schema of deploy.json for editors, with the `config` of each type of target. */
export function deployJsonSchema(types: readonly (readonly [name: string, definition: TargetType])[]): Json {
  const { definitions, properties, ...file } = jsonSchemaOf(deployFileSchema)
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'deploy.json',
    description: 'Where a project is deployed to, and what was.',
    ...file,
    properties: {
      ...object(properties),
      targets: {
        description: object(object(properties).targets).description,
        type: ['object', 'null'],
        properties: Object.fromEntries(types.map(([name]) => [name, namedAsItsType(name)])),
        additionalProperties: reference('target')
      }
    },
    definitions: {
      ...object(definitions),
      target: {
        ...targetSchema(),
        allOf: types.map(([name]) => ({
          if: { properties: { type: { const: name } }, required: ['type'] },
          // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
          then: configOf(name)
        }))
      },
      ...Object.fromEntries(types.map(([name, definition]) => [name, configSchemaOf(definition)])),
      rollback: jsonSchemaOf(rollbackSettingsSchema),
      signal: jsonSchemaOf(signalSchema)
    }
  }
}

/** What every entry of `targets` may hold, with its signals. */
function targetSchema(): Json {
  const { properties, ...entry } = jsonSchemaOf(targetEntrySchema)
  const { signals, ...others } = object(properties)
  const { description } = object(signals)
  return {
    ...entry,
    properties: { ...others, signals: { description, type: ['array', 'null'], items: reference('signal') } }
  }
}

/** An entry that is called as its type is, and need not say its type. */
const namedAsItsType = (name: string): Json => ({
  allOf: [
    reference('target'),
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    { if: { properties: { type: { type: 'null' } } }, then: configOf(name) }
  ]
})

const configOf = (name: string): Json => ({
  properties: { config: { anyOf: [reference(name), { type: 'null' }] } }
})

function configSchemaOf({ label, configSchema }: TargetType): Json {
  const { properties, ...config } = jsonSchemaOf(configSchema)
  return {
    title: `Settings of a ${label} target`,
    ...config,
    properties: { ...object(properties), rollback: { anyOf: [reference('rollback'), { type: 'null' }] } }
  }
}

const reference = (name: string): Json => ({ $ref: `#/definitions/${name}` })

function jsonSchemaOf(schema: z.ZodType): Json {
  const { $schema, ...rest } = z.toJSONSchema(schema, { target: 'draft-7', io: 'input' })
  return rest
}

const object = (value: unknown): Json => (typeof value === 'object' && value !== null ? { ...value } : {})
