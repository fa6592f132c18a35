import { readFile } from 'node:fs/promises'
import { Ajv } from 'ajv'
import { describe, expect, it } from 'vitest'
import { schemaPath, schemaText } from '../../scripts/schema.ts'
import { popkitFile } from './fixtures.ts'

describe('the JSON Schema of deploy.json', () => {
  const validate = new Ajv({ strict: false }).compile(JSON.parse(schemaText()))

  it('is current in schema/', async () => {
    expect(await readFile(schemaPath, 'utf8'), 'run npx tsx scripts/schema.ts').toBe(schemaText())
  })

  it.each([
    ['what popkit writes', popkitFile],
    ['no more than braces', {}],
    ['our own fields', { targets: { web: { type: 'docker', automatic: true, config: { a: { b: [1] } } } } }],
    ['a schema reference', { $schema: './deploy.schema.json' }],
    [
      'a record with all fields',
      {
        history: [
          {
            ...popkitFile.history[0],
            digest: 'd',
            rollback_to_digest: 'e',
            rollback_id: 'r',
            outcome: 'o',
            snapshot: { a: [1] },
            x: 1
          }
        ]
      }
    ]
  ])('accepts %s', (_, file) => expect(validate(file), JSON.stringify(validate.errors)).toBe(true))

  it.each([
    ['targets that are a list', { targets: [] }],
    ['a word where a switch belongs', { targets: { web: { enabled: 'yes' } } }],
    ['a record without target', { history: [{ timestamp: 't', version: '1', status: 'success' }] }]
  ])('refuses %s', (_, file) => expect(validate(file)).toBe(false))
})
