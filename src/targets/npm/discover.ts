import { join } from 'node:path'
import { z } from 'zod'
import { parseOutsideJson } from '../../support/nesting.ts'
import { readText } from '../../support/read-text.ts'
import type { Discover } from '../target.ts'

const manifestSchema = z.looseObject({
  name: z.string().min(1),
  version: z.string().min(1),
  private: z.boolean().optional()
})

/** A package.json that is not private names a package that is published. */
export const discoverNpm: Discover = async (projectDir) => {
  try {
    const text = await readText(join(projectDir, 'package.json'))
    const manifest = manifestSchema.parse(parseOutsideJson(text.replace(/^\ufeff/, '')))
    if (manifest.private) return null
    return { config: {}, because: `package.json names the package ${manifest.name}` }
  } catch {
    return null
  }
}
