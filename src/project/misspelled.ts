import { closestMatch } from 'leven'
import { z } from 'zod'

/** A field that nothing reads, and the field that it seems to mean. */
export interface Misspelled {
  path: (string | number)[]
  meant: string
}

/**
 * Fields that look like a misspelling of one that the schema knows and that is missing beside it, with their paths below `path`.
 * Other unknown fields belong to other tools.
 */
export const misspelled = (value: unknown, schema: z.ZodType, path: (string | number)[]): Misspelled[] =>
  within(value, z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }), path)

function within(value: unknown, shape: z.core.JSONSchema._JSONSchema, path: (string | number)[]): Misspelled[] {
  const known = propertiesOf(shape)
  if (!known || typeof value !== 'object' || value === null) return []
  const missing = Object.keys(known).filter((name) => !Object.hasOwn(value, name))
  return Object.entries(value).flatMap(([name, inner]): Misspelled[] => {
    const shapeOfIt = Object.hasOwn(known, name) && known[name]
    if (shapeOfIt) return within(inner, shapeOfIt, [...path, name])
    const meant = closestMatch(name.toLowerCase(), missing, { maxDistance: name.length > 5 ? 2 : 1 })
    return meant ? [{ path: [...path, name], meant }] : []
  })
}

/** The fields of an object; of one that may have several forms, those of all. */
const propertiesOf = (shape: z.core.JSONSchema._JSONSchema): z.core.JSONSchema.JSONSchema['properties'] => {
  if (typeof shape === 'boolean') return undefined
  return shape.properties ?? Object.assign({}, ...(shape.anyOf ?? []).map(propertiesOf))
}
