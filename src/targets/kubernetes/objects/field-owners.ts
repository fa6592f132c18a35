import { z } from 'zod'
import { type JsonObject, jsonObject } from '../../../model/json.ts'
import { known } from './names.ts'
import type { WorkloadObject } from './objects.ts'

/** The name by which the API server knows whose change it is. */
export const fieldManager = 'pop-deploy-rollback'

const entrySchema = z.looseObject({
  manager: z.string().default(''),
  operation: z.string().default(''),
  apiVersion: z.string().default(''),
  subresource: z.string().nullish(),
  fieldsV1: jsonObject.nullish()
})
type Entry = z.infer<typeof entrySchema>

const entriesOf = ({ metadata }: WorkloadObject): Entry[] =>
  z.array(entrySchema).catch([]).parse(metadata.managedFields)

/** What a version consists of, as paths of field sets: its template, and the annotation that goes with it. */
const paths = [
  ['f:spec', 'f:template'],
  ['f:metadata', 'f:annotations', `f:${known.changeCause}`]
] as const

const child = (fields: unknown, key: string): JsonObject | undefined =>
  jsonObject.safeParse(jsonObject.safeParse(fields).data?.[key]).data

/** Who applied fields of the template by server-side apply. */
const appliersOf = (entries: readonly Entry[]): Entry[] =>
  entries.filter(({ operation, fieldsV1 }) => operation === 'Apply' && child(child(fieldsV1, 'f:spec'), 'f:template'))

export const templateAppliers = (object: WorkloadObject): string[] =>
  appliersOf(entriesOf(object)).map(({ manager }) => manager)

/**
 * The managed fields after the one who applies the template by server-side apply has taken over what we changed: its next apply then
 * meets no conflict and removes what only our template has. Null where there is nothing to take over, or not exactly one.
 */
export function adoptedFields(object: WorkloadObject): JsonObject[] | null {
  const entries = entriesOf(object)
  const [applier, ...others] = appliersOf(entries)
  const ours = entries.find((one) => one.manager === fieldManager && one.operation === 'Update' && !one.subresource)
  if (!applier || others.length > 0 || !ours || ours.apiVersion !== applier.apiVersion) return null
  const taken = paths.map((path) => only(ours.fieldsV1 ?? {}, path)).reduce(merged, {})
  if (Object.keys(taken).length === 0) return null
  const left = paths.reduce<JsonObject>((fields, path) => without(fields, path), ours.fieldsV1 ?? {})
  return entries.flatMap((entry): JsonObject[] => {
    const fieldsV1 = entry === applier ? merged(applier.fieldsV1 ?? {}, taken) : entry === ours ? left : entry.fieldsV1
    return fieldsV1 && Object.keys(fieldsV1).length === 0 ? [] : [jsonObject.parse({ ...entry, fieldsV1 })]
  })
}

function merged(a: JsonObject, b: JsonObject): JsonObject {
  const both = Object.entries(b).map(([key, value]) => [key, merged(child(a, key) ?? {}, jsonObject.parse(value))])
  return { ...a, ...Object.fromEntries(both) }
}

function only(fields: JsonObject, [key, ...rest]: readonly string[]): JsonObject {
  const inner = key === undefined ? undefined : child(fields, key)
  if (key === undefined || !inner) return {}
  const kept = rest.length === 0 ? inner : only(inner, rest)
  return rest.length > 0 && Object.keys(kept).length === 0 ? {} : { [key]: kept }
}

function without(fields: JsonObject, [key, ...rest]: readonly string[]): JsonObject {
  const inner = key === undefined ? undefined : child(fields, key)
  if (key === undefined || !inner) return fields
  const { [key]: _, ...others } = fields
  const kept = rest.length === 0 ? {} : without(inner, rest)
  return Object.keys(kept).length === 0 ? others : { ...others, [key]: kept }
}
