import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { z } from 'zod'
import { deployFileSchema } from '../src/project/deploy-schema.ts'

export const schemaPath = join(dirname(fileURLToPath(import.meta.url)), '../schema/deploy.schema.json')

/** The JSON Schema of deploy.json for editors, as it stands in schema/. */
export function schemaText(): string {
  const { $schema, ...rest } = z.toJSONSchema(deployFileSchema, { target: 'draft-7', io: 'input' })
  const schema = {
    $schema,
    title: 'deploy.json',
    description: 'Where a project is deployed to, and what was.',
    ...rest
  }
  return `${JSON.stringify(schema, null, 2)}\n`
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await writeFile(schemaPath, schemaText())
