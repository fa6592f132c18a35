import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import { describe, expect, it } from 'vitest'
import { popkitFile } from './fixtures.ts'

const schema = join(import.meta.dirname, '../../schema/deploy.schema.json')

describe('the JSON Schema of deploy.json', () => {
  const validate = new Ajv({ strict: false, formats: { uri: true } }).compile(JSON.parse(readFileSync(schema, 'utf8')))

  it.each([
    ['what popkit writes', popkitFile],
    ['no more than braces', {}],
    ['settings of a target', { targets: { docker: { config: { image_name: 'web', rollback: { soak_seconds: 5 } } } } }],
    [
      'a target with the name of another type',
      { targets: { npm: { type: 'docker', config: { containers: ['web'] } } } }
    ],
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
    ['a wrong setting of a target', { targets: { docker: { config: { containers: 'web' } } } }],
    ['a wrong setting of a type', { targets: { web: { type: 'kubernetes', config: { max_parallel: 0 } } } }],
    ['a wrong setting of every target', { targets: { npm: { config: { rollback: { soak_seconds: 'long' } } } } }],
    ['a word where a switch belongs', { targets: { web: { enabled: 'yes' } } }],
    ['a record without target', { history: [{ timestamp: 't', version: '1', status: 'success' }] }]
  ])('refuses %s', (_, file) => expect(validate(file)).toBe(false))
})
