import { compare } from '@renovatebot/pep440'
import type { Diagnosis, TimelineEvent } from '../../model/diagnosis.ts'
import { orElse } from '../../support/errors.ts'
import { oneLine } from '../../support/text.ts'
import type { PypiContext } from './context.ts'
import type { PypiSettings } from './settings.ts'
import type { JsonProject } from './shapes.ts'
import { chosenByMost, type IndexVersion, kindsOf } from './versions.ts'

const maxFiles = 30

/** What an index knows of why a version fails: its files, requirements that the version before did not have, known vulnerabilities. */
export async function diagnose({ index, settings }: PypiContext, signal: AbortSignal): Promise<Diagnosis> {
  const known = await index.known(signal)
  const current = known && chosenByMost(known)
  if (!known || !current)
    return {
      findings: [`${settings.label} offers no version of ${settings.name} to installers`],
      events: [],
      evidence: []
    }
  const before = known.versions.find(
    (one) => one.files.length > 0 && !one.prerelease && compare(one.version, current.version) < 0
  )
  const [tried, now, then] = await Promise.all([
    index.tryFiles(current.files, { verify: true, most: maxFiles }, signal),
    orElse(signal, index.json(current.version, signal), () => null),
    before ? orElse(signal, index.json(before.version, signal), () => null) : null
  ])
  return {
    findings: [
      ...tried.gone,
      ...(before ? fileDifferences(before, current) : []),
      ...(now && then && before ? requirementDifferences(then, now, before.version, current.version) : []),
      ...vulnerabilities(now, current.version),
      `${current.version} was uploaded ${current.uploadedAt ? `at ${current.uploadedAt}` : 'at an unknown time'}`
    ].map((line) => oneLine(line, 240)),
    events: [before, current].flatMap((one) => (one ? eventOf(settings, one) : [])),
    evidence: []
  }
}

function fileDifferences(before: IndexVersion, current: IndexVersion): string[] {
  const shape = (version: IndexVersion): string[] =>
    version.files.map(({ name }) => name.replaceAll(version.version, '<version>'))
  const lost = shape(before).filter((name) => !shape(current).includes(name))
  const kinds = kindsOf(before).filter((kind) => !kindsOf(current).includes(kind))
  return [
    ...(kinds.length > 0 ? [`${current.version} has no ${kinds.join(' and no ')}, which ${before.version} has`] : []),
    ...(lost.length > 0 && kinds.length === 0
      ? [`${current.version} has no ${lost.slice(0, 6).join(', ')}, which ${before.version} has`]
      : [])
  ]
}

function requirementDifferences(then: JsonProject, now: JsonProject, before: string, current: string): string[] {
  const [old, fresh] = [new Set(then.info.requires_dist ?? []), new Set(now.info.requires_dist ?? [])]
  const added = [...fresh].filter((one) => !old.has(one))
  const gone = [...old].filter((one) => !fresh.has(one))
  return [
    ...(then.info.requires_python === now.info.requires_python
      ? []
      : [
          `${current} requires Python ${now.info.requires_python ?? 'of any version'}, ${before} ${then.info.requires_python ?? 'of any version'}`
        ]),
    ...added.slice(0, 8).map((one) => `${current} requires ${one}, which ${before} does not`),
    ...gone.slice(0, 8).map((one) => `${current} no longer requires ${one}`)
  ]
}

const vulnerabilities = (now: JsonProject | null, version: string): string[] =>
  (now?.vulnerabilities ?? [])
    .filter(({ withdrawn }) => !withdrawn)
    .slice(0, 5)
    .map(({ id, summary }) => `${version} has a known vulnerability ${id}${summary ? `: ${summary}` : ''}`)

const eventOf = ({ name, label }: PypiSettings, { version, uploadedAt }: IndexVersion): TimelineEvent[] =>
  uploadedAt ? [{ at: uploadedAt, text: `${name} ${version} was uploaded`, source: label }] : []
