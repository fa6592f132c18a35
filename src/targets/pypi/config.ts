import { z } from 'zod'

/** popkit's own three fields, and ours: `package`, `index_url`. Fields of others are kept. */
export const pypiConfigSchema = z.looseObject({
  registry: z.string().nullish().describe('Where it is published: pypi, testpypi, or the address of an index'),
  test_registry: z.unknown().optional().describe('About rehearsing a publication; not used by rollbacks'),
  distributions: z.unknown().optional().describe('Kinds that a release carries: sdist, wheel'),
  package: z.string().nullish().describe('Name of the project, when pyproject.toml or setup.cfg does not say it'),
  index_url: z.string().nullish().describe('Address of the Simple API, where it does not follow from registry')
})

export type PypiConfig = z.infer<typeof pypiConfigSchema>

export type DistributionKind = 'sdist' | 'wheel'

/** The kinds that `distributions` of popkit asks for. */
export function expectedKinds(distributions: unknown): DistributionKind[] {
  const words = (Array.isArray(distributions) ? distributions : [distributions]).filter(
    (one): one is string => typeof one === 'string'
  )
  const kinds = words.flatMap((word): DistributionKind[] => {
    if (/wheel|whl/i.test(word)) return ['wheel']
    return /sdist|source|tar\.gz/i.test(word) ? ['sdist'] : []
  })
  return [...new Set(kinds)]
}
