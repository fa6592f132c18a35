import type { JsonObject, JsonValue } from '../../../model/json.ts'
import { parseOutsideJson } from '../../../support/nesting.ts'
import { known } from './names.ts'
import type { Template, WorkloadObject } from './objects.ts'
import { pureTemplate, templateJson } from './template.ts'

/** What replaces the present template. */
export interface Replacement {
  template: Template
  changeCause?: string | undefined
  /** What was last applied with this template, if that is known; otherwise the template is written into the present one. */
  lastApplied?: string | undefined
  /** The new value of `spec.paused`; unchanged if undefined. */
  paused?: boolean
}

/**
 * The JSON patch (RFC 6902) that replaces the live template, and nothing else: it requires the object and the generation that were
 * read, so it overwrites no change in between. Annotations about the template change with it.
 */
export function patchFor({ metadata, spec }: WorkloadObject, replacement: Replacement): JsonObject[] {
  const annotations = metadata.annotations ?? {}
  const wanted = { ...annotations }
  if (replacement.changeCause) wanted[known.changeCause] = replacement.changeCause
  else delete wanted[known.changeCause]
  const lastApplied = annotations[known.lastApplied]
  if (lastApplied)
    wanted[known.lastApplied] = replacement.lastApplied ?? withTemplate(lastApplied, replacement.template)
  return [
    { op: 'test', path: '/metadata/uid', value: metadata.uid },
    { op: 'test', path: '/metadata/generation', value: metadata.generation ?? 0 },
    { op: 'replace', path: '/spec/template', value: templateJson(replacement.template) },
    ...annotationChanges(metadata.annotations, wanted),
    ...(replacement.paused === undefined || replacement.paused === (spec.paused ?? false)
      ? []
      : [{ op: 'add', path: '/spec/paused', value: replacement.paused }])
  ]
}

function annotationChanges(
  present: WorkloadObject['metadata']['annotations'],
  wanted: Record<string, string>
): JsonObject[] {
  const before = present ?? {}
  const path = (name: string): string => `/metadata/annotations/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
  const changes: JsonObject[] = [
    ...Object.entries(wanted)
      .filter(([name, value]) => before[name] !== value)
      .map(([name, value]): JsonObject => ({ op: 'add', path: path(name), value })),
    ...Object.keys(before)
      .filter((name) => !(name in wanted))
      .map((name): JsonObject => ({ op: 'remove', path: path(name) }))
  ]
  return present || changes.length === 0
    ? changes
    : [{ op: 'add', path: '/metadata/annotations', value: {} }, ...changes]
}

/**
 * `kubectl apply` deletes what its last configuration has and the next does not have. With the old template in it, the next apply
 * removes what only the old template has, which would stay forever otherwise (kubernetes/kubernetes#94698).
 */
function withTemplate(lastApplied: string, template: Template): string {
  try {
    const configuration = parseOutsideJson(lastApplied) as { spec?: Record<string, JsonValue> }
    if (!configuration.spec) return lastApplied
    const spec = { ...configuration.spec, template: templateJson(pureTemplate(template)) }
    return `${JSON.stringify({ ...configuration, spec })}\n`
  } catch {
    return lastApplied
  }
}
